"""Jobs by the million are such as the engine makes them, and calls ahead wait in the database."""

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from bench.fill_jobs import fill_jobs, let_be_due, spread_over_a_second
from bench.works.w2_edit import numbers_from
from bench.works.w5_one_offs import in_bulk, one_by_one
from schedules.adapters import triggers
from schedules.dispatch import absorb_edits, plan_due
from schedules.models import Job, Run, ScheduleVersion, Touched
from schedules.querysets.clock import database_now
from schedules.states import RunState
from tasks.meetings.jobs import recover_meetings

pytestmark = pytest.mark.django_db(transaction=True)


def test_filled_jobs_are_what_beat_expects() -> None:
    first, last = fill_jobs(30, task=recover_meetings.name)

    assert last - first == 29
    assert Job.objects.enabled().count() == PeriodicTask.objects.count() == 30
    assert ScheduleVersion.objects.count() == 30
    assert not Touched.objects.exists()
    assert triggers.missing() == []
    assert absorb_edits(now=database_now()) == 0

    task = PeriodicTask.objects.get(job__pk=last)
    task.enabled = False
    task.save()
    absorb_edits(now=database_now())

    assert Job.objects.enabled().count() == 29


def test_those_that_are_to_be_due_are_planned_and_no_others() -> None:
    numbers = fill_jobs(30, task=recover_meetings.name)
    now = database_now()
    let_be_due(numbers, at=now, count=10)

    planned = plan_due(now=now + timedelta(minutes=5))

    assert sorted(run.job_id or 0 for run in planned) == list(range(numbers[0], numbers[0] + 10))
    assert Run.objects.filter(state=RunState.SENT, task=recover_meetings.name).count() == 10
    assert not Job.objects.due(now + timedelta(minutes=5)).exists()


def test_a_steady_stream_has_all_jobs_once_a_second() -> None:
    begin = spread_over_a_second(fill_jobs(20, task=recover_meetings.name))

    planned = plan_due(now=begin + timedelta(seconds=0.95))

    assert len(planned) == 20
    assert len({run.scheduled_at for run in planned}) == 10


def test_numbers_are_spread_over_all() -> None:
    assert numbers_from([100, 199], 4) == [100, 124, 149, 174]


def test_one_offs_a_month_ahead_are_rows_by_both_ways() -> None:
    assert in_bulk(recover_meetings, 20) > 0
    assert one_by_one(recover_meetings, 5) > 0

    assert Run.objects.parked().filter(task=recover_meetings.name).count() == 25
    assert not Run.objects.ready_to_send(database_now() + timedelta(days=29)).exists()
