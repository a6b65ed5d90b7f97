"""How everything stands, what needs a person, and what comes next."""

from datetime import timedelta

from django.http import HttpResponse

from schedules.dashboard.drawing.bars import outcome_bars
from schedules.dashboard.drawing.strip import next_hour
from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.states import STACK
from schedules.health import broker_probe
from schedules.models import Job
from schedules.operations.attention import Concern, concerns, outbox, paused_jobs
from schedules.operations.conditions import Condition
from schedules.operations.outcomes import Day, last_day, lateness
from schedules.operations.status import MOST_PARKED, scheduler_status
from schedules.operations.switch import current_pause
from schedules.operations.upcoming import coming
from schedules.states import FAILURES, InstanceKind, RunState

COMING_SHOWN = 8
HOUR = timedelta(minutes=60)


@page
def overview(reader: Reader) -> HttpResponse:
    """Show the overview. About twenty statements, however long the log is."""
    now = reader.now
    day = last_day(now=now)
    ahead = coming(now=now, until=now + HOUR)
    status = scheduler_status(now=now)
    waiting = outbox(now=now)
    needy = concerns(now=now)
    context = {
        "here": "overview",
        "status": status,
        "pause": current_pause(),
        "broker_answers": broker_probe.glance(),
        "outbox": waiting,
        "is_outbox_stuck": waiting.is_stuck(now=now),
        "has_worker": any(
            instance.kind == InstanceKind.WORKER and instance.pk in status.alive
            for instance in status.instances
        ),
        "day": day,
        "failed": sum(day.counts[state.value] for state in FAILURES),
        "missed": day.counts[RunState.MISSED.value],
        "late_jobs": sum(concern.condition is Condition.LATE for concern in needy),
        "against_last_week": _difference(day.success, day.success_a_week_ago),
        "lateness": lateness(now=now),
        "more_parked": status.parked_runs >= MOST_PARKED,
        "bars": outcome_bars(day.hours, show=reader.hour),
        "stack": STACK,
        "hour_rows": _rows(day),
        "concerns": [{"about": concern, "verb": _verb(concern)} for concern in needy],
        "strip": next_hour([each.at for each in ahead.coming], now=now),
        "coming": ahead.coming[:COMING_SHOWN],
        "coming_number": len(ahead.coming),
        "coming_is_cut": ahead.is_cut,
        "paused_jobs": paused_jobs(now=now),
        "has_jobs": status.total_jobs > 0,
    }
    return show(reader, "schedules/overview.html", context)


def _rows(day: Day) -> list[dict[str, object]]:
    """The figures of the chart as a table, the latest hour first, empty ones left out."""
    return [
        {
            "begins_at": hour.begins_at,
            "numbers": [hour.of([str(state) for state in states]) for _, states, _ in STACK],
        }
        for hour in reversed(day.hours)
        if hour.total
    ]


def _difference(share: float | None, before: float | None) -> float | None:
    """The change in percentage points; None where one of the two is not known."""
    return None if share is None or before is None else round((share - before) * 100, 1)


def _verb(concern: Concern) -> str:
    """Name the one button that helps."""
    job: Job = concern.job
    if concern.condition is Condition.FAILING:
        return "run"
    if concern.condition is Condition.SUSPECT:
        return "none"  # its run, which is linked, has the verbs
    if concern.condition is Condition.INVALID and job.invalid_reason:
        return "edit"
    return "look"
