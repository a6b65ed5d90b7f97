"""Tests of the business: real rows, the real claim and ending of runs, time passed in."""
