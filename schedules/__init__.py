"""Scheduled jobs with a ledger: every occurrence that should have happened is a row with one
outcome.

The package knows no business. `DESIGN` in one line: the timetable is django-celery-beat's tables, a
run is a row written before its message, and a worker owns a run only through one conditional
UPDATE.
"""
