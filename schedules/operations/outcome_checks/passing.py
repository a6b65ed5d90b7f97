"""Finding what ended and has to be checked, and checking it."""

from datetime import datetime, timedelta

from django.db import transaction

from schedules.dispatch import Call, park
from schedules.models import Job, Run
from schedules.operations.watermarks import SETTLED, is_up_to_date, take_watermark
from schedules.querysets.runs import RunQuerySet
from schedules.registry import declared_as
from schedules.states import RunState

NAME = "outcome_checks"
TASK = "outcome_checks.check_outcomes"
LONGEST_PASS = timedelta(hours=1)
"""What ended while no Beat was there is checked an hour at a time."""

AHEAD = timedelta(seconds=1)
"""So that the outbox sends it, and no tick waits for the broker."""


def plan_checks(*, now: datetime) -> bool:
    """Plan one run of `check_outcomes` for what ended since the last pass; False if nothing did.

    The watermark moves in the same transaction: what it has passed has its check planned. The very
    first pass begins where it is, not with the history.
    """
    if not Job.objects.filter(checks__isnull=False).exists() or is_up_to_date(NAME):
        return False
    with transaction.atomic():
        watermark = take_watermark(NAME, first=lambda: now - SETTLED)
        if watermark is None:
            return False
        until = min(now - SETTLED, watermark.at + LONGEST_PASS)
        if until <= watermark.at:
            return False
        after, watermark.at = watermark.at, until
        is_work = _ended(after, until).exists()
        if is_work:
            call = Call(
                key=f"{TASK}:{until.isoformat()}", at=now + AHEAD, kwargs=_period(after, until)
            )
            park(declared_as(TASK), [call])
        watermark.save(update_fields=["at"])
    return is_work


def check_ended(*, after: datetime, until: datetime, now: datetime) -> dict[str, int]:
    """Check the successes that ended in the period and have no verdict yet; safe to repeat.

    Returns how many were `checked`, and how many of them are `suspect`.
    """
    from schedules.operations.outcome_checks.judging import check_run  # Beat only plans it

    checked = suspect = 0
    runs = _ended(after, until).filter(verdict__isnull=True)
    for run in runs.select_related("job").order_by("finished_at", "id").iterator():
        verdict = check_run(run, now=now)
        if verdict is not None:
            checked += 1
            suspect += verdict.suspect_at is not None
    return {"checked": checked, "suspect": suspect}


def _ended(after: datetime, until: datetime) -> RunQuerySet:
    return Run.objects.filter(
        job__checks__isnull=False,
        state=RunState.SUCCEEDED,
        finished_at__gt=after,
        finished_at__lte=until,
    )


def _period(after: datetime, until: datetime) -> dict[str, str]:
    return {"after": after.isoformat(), "until": until.isoformat()}
