"""The task that checks what ended. It is called by Beat and has no timetable."""

from datetime import datetime, timedelta
from typing import Any

from schedules.operations.outcome_checks.passing import check_ended
from schedules.querysets.clock import database_now
from schedules.registry import job


@job(
    idempotent=True,
    time_limit=timedelta(minutes=10),
    name_en="Check outcomes",
    name_ar="فحص النتائج",
    name_id="Periksa hasil",
    description_en="Holds what runs returned against the checks of their jobs.",
    description_ar="يقارن ما أعادته التشغيلات بفحوص مهامها.",
    description_id="Membandingkan hasil eksekusi dengan pemeriksaan tugasnya.",
)
def check_outcomes(after: datetime, until: datetime) -> dict[str, Any]:
    """Check the successes that ended between the two instants; safe to repeat."""
    period = {"after": _instant(after), "until": _instant(until)}
    found = check_ended(**period, now=database_now())
    return {"message": f"{found['checked']} runs checked, {found['suspect']} suspect.", **found}


def _instant(value: datetime | str) -> datetime:
    """A message carries it as text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
