"""Calendars, and the jobs that go by them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schedules.dispatch import plan_due
from schedules.errors import InvalidInput
from schedules.ledger import explain, verify_job
from schedules.models import AuditEntry, Calendar, Job, Run, ScheduleVersion
from schedules.operations.calendars import (
    CalendarInUse,
    create_calendar,
    delete_calendar,
    edit_calendar,
    import_dates,
)
from schedules.operations.create import create_job
from schedules.operations.edit import update_job
from schedules.operations.preview import preview_job
from schedules.states import RunState

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 21, 12, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
WHO: dict[str, Any] = {"by": "ann", "source": "cli"}


def make_calendar(name: str = "Holidays", *, now: datetime = NOW, **values: Any) -> Calendar:
    given = {"dates": ["2026-12-25"], "weekdays": ["sat", "sun"], **values}
    return create_calendar(name, values=given, now=now, **WHO)


def make_job(calendar: Calendar | None, *, now: datetime = NOW, **values: Any) -> Job:
    given = {"cron_expression": "0 9 * * *", "timezone": "Asia/Jakarta", "args": [1], **values}
    given |= {"key": "report", "calendar": calendar, "misfire_grace": None, "coalesce": False}
    return create_job("sample_jobs.add", values=given, now=now, **WHO)


def days(job: Job) -> list[str]:
    """Return the days of the job's rows on its clock."""
    rows = Run.objects.filter(job=job).order_by("scheduled_at")
    return [f"{row.scheduled_at + timedelta(hours=7):%d %H}" for row in rows]


def test_nothing_is_planned_on_an_excluded_day_and_the_ledger_balances() -> None:
    job = make_job(make_calendar())

    plan_due(now=NOW + 9 * DAY)

    assert days(job) == ["22 09", "23 09", "24 09", "28 09", "29 09", "30 09"]
    Run.objects.update(state=RunState.SUCCEEDED, publish_at=None, finished_at=NOW)
    found = verify_job(job, after=NOW, until=NOW + 9 * DAY, now=NOW + 9 * DAY)
    assert (found.expected, found.balances) == (6, True)


def test_with_next_day_it_runs_at_the_same_time_of_the_next_business_day() -> None:
    job = make_job(make_calendar(), cron_expression="0 9 25 * *", day_off="next_day")

    plan_due(now=NOW + 9 * DAY)

    assert days(job) == ["28 09"]


def test_an_edit_of_the_calendar_reaches_its_jobs_as_a_version_and_fires_nothing_past() -> None:
    calendar = make_calendar()
    job = make_job(calendar)
    later = NOW + 4 * DAY  # Christmas, 19:00 in Jakarta

    edit_calendar(calendar, changes={"dates": []}, now=later, **WHO)

    assert days(job) == ["22 09", "23 09", "24 09"]  # what was due before, by the old days
    assert ScheduleVersion.objects.filter(job=job, effective_at=later, changed_by="ann").exists()
    plan_due(now=NOW + 9 * DAY)
    assert "25 09" not in days(job)
    entry = AuditEntry.objects.get(action="edit_calendar")
    assert entry.after == {"dates": [], "jobs": ["report"]}
    Run.objects.update(state=RunState.SUCCEEDED, publish_at=None, finished_at=NOW)
    assert verify_job(job, after=NOW, until=NOW + 9 * DAY, now=NOW + 9 * DAY).balances


def test_unchanged_days_are_no_edit() -> None:
    calendar = make_calendar()
    job = make_job(calendar)

    edit_calendar(
        calendar, changes={"dates": ["2026-12-25"], "weekdays": ["sun", "sat"]}, now=NOW, **WHO
    )

    assert ScheduleVersion.objects.filter(job=job).count() == 1
    assert not AuditEntry.objects.filter(action="edit_calendar").exists()


def test_a_file_adds_to_the_dates_or_replaces_them() -> None:
    calendar = make_calendar()
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261231\nEND:VEVENT\nEND:VCALENDAR\n"

    added = import_dates(calendar, text, now=NOW, **WHO)
    replaced = import_dates(calendar, text, replace=True, now=NOW, **WHO)

    assert added.dates == ["2026-12-25", "2026-12-31"]
    assert replaced.dates == ["2026-12-31"]


def test_what_makes_no_sense_changes_nothing() -> None:
    calendar = make_calendar()
    job = make_job(calendar)
    always = {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
    never = make_calendar("Nights", is_allow_list=True, dates=["2026-12-01"], weekdays=[])

    for refused in (
        lambda: edit_calendar(calendar, changes=always, now=NOW, **WHO),
        lambda: edit_calendar(calendar, changes={"timezone": "Mars"}, now=NOW, **WHO),
        lambda: make_calendar("Holidays"),
        lambda: make_calendar("a/b"),
        lambda: update_job(job, changes={"calendar": never}, now=NOW, **WHO),
        lambda: import_dates(calendar, "x", now=NOW, **WHO),
    ):
        with pytest.raises(InvalidInput):
            refused()
    with pytest.raises(CalendarInUse, match="used by report, so it cannot be deleted"):
        delete_calendar(calendar, now=NOW, **WHO)

    job.refresh_from_db()
    calendar.refresh_from_db()
    assert (job.version, job.calendar, calendar.timezone) == (1, calendar, "UTC")
    assert calendar.weekdays == ["sat", "sun"]


def test_explain_names_the_calendar() -> None:
    job = make_job(make_calendar())
    plan_due(now=NOW + 9 * DAY)

    told = explain(job, at=datetime(2026, 12, 25, 2, tzinfo=UTC)).sentences

    assert "2026-12-25 is a day that calendar Holidays does not allow." in told


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking with a database takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    begin=st.sampled_from(
        [datetime(2026, 3, 20, 7, tzinfo=UTC), datetime(2026, 10, 16, tzinfo=UTC)]
    ),
    expression=st.sampled_from(["30 2 * * *", "*/45 1-3 * * *", "0 23 1,15,25 * *", "15 2 * * 6"]),
    zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Jakarta"]),
    offsets=st.sets(st.integers(0, 25), max_size=6),
    day_off=st.sampled_from(["skip", "next_day"]),
)
def test_what_the_preview_says_is_what_the_ledger_then_holds(
    db: None, begin: datetime, expression: str, zone: str, offsets: set[int], day_off: str
) -> None:
    with transaction.atomic():
        job = make_job(None, now=begin, cron_expression=expression, timezone=zone)
        dates = [(begin + n * DAY).date().isoformat() for n in offsets]
        calendar = make_calendar(now=begin, dates=dates, weekdays=["sun"])
        changes = {"calendar": calendar, "day_off": day_off}
        said = preview_job(job, changes=changes, now=begin, count=400)
        assert said.comparison is not None
        found = said.comparison.difference
        until = begin + 12 * DAY

        update_job(job, changes=changes, now=begin, **WHO)
        while plan_due(now=until):
            pass

        held = set(Run.objects.filter(job=job).values_list("scheduled_at", flat=True))
        assert held == {at for at, _ in said.occurrences if at <= until}
        assert {at for at in found.added if at <= until} <= held
        assert not held & set(found.removed)
        assert not held or said.first_run_at == min(held)
        transaction.set_rollback(True)  # the next example begins anew


def test_an_edit_that_leaves_an_enabled_job_nothing_to_run_is_refused_and_names_it() -> None:
    calendar = make_calendar()
    job = make_job(calendar, cron_expression="0 9 * * mon-fri")
    nothing = {"weekdays": ["mon", "tue", "wed", "thu", "fri"]}

    with pytest.raises(InvalidInput, match="report would never run again"):
        edit_calendar(calendar, changes=nothing, now=NOW, **WHO)

    following = job.next_run_at
    job.refresh_from_db()
    calendar.refresh_from_db()
    assert (job.next_run_at, calendar.weekdays) == (following, ["sat", "sun"])
