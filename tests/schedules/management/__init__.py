"""Tests of `manage.py scheduler`."""
