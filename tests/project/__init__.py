"""Tests of the configuration and of what starts and supervises the processes."""
