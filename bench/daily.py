"""The timetable of the jobs that are measured, the same for us and for stock Beat: once a day."""

from datetime import datetime, timedelta

AHEAD = timedelta(hours=23)
"""How far ahead the next occurrence is. Stock Beat reads only crontabs whose hour is within two of
the present one (its `_get_crontab_exclude_query`); with the others it would have nothing to load.
"""


def crontab(now: datetime) -> dict[str, str]:
    """Return the fields of the `CrontabSchedule`, in UTC. `now` is aware."""
    at = now + AHEAD
    return {
        "minute": str(at.minute),
        "hour": str(at.hour),
        "day_of_week": "*",
        "day_of_month": "*",
        "month_of_year": "*",
        "timezone": "UTC",
    }
