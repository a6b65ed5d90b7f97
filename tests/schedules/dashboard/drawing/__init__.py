"""Tests of the dashboard's drawing."""
