"""Timetables as code: all jobs as one text, what applying a text would change, and applying it."""
