"""`scheduler verify` and `scheduler explain`."""

import json
from datetime import timedelta
from typing import Any

import pytest

from schedules.dispatch import plan_due
from schedules.models import Job, Run, ScheduleVersion
from schedules.querysets.clock import database_now
from schedules.states import RunState
from schedules.timing import Every, to_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    now = database_now().replace(microsecond=0)
    begin = now - timedelta(minutes=10)
    timetable = to_spec(Every(timedelta(minutes=1), anchor=begin))
    first = begin + timedelta(minutes=1)
    made = Job.objects.create(
        key="minutely",
        task="sample_jobs.add",
        args=[1],
        timetable=timetable,
        misfire_grace=None,
        coalesce=False,
        next_run_at=first,
        next_due_at=first,
        ledger_from=begin,
        version=1,
    )
    ScheduleVersion.objects.create(
        job=made, number=1, effective_at=begin, timetable=timetable, policy={"enabled": True}
    )
    plan_due(now=now)
    Run.objects.update(state=RunState.SUCCEEDED, publish_at=None, finished_at=now)
    return made


def test_a_ledger_that_balances_ends_with_0(job: Job, scheduler: Any) -> None:
    answer = scheduler("verify", "--json")

    document = json.loads(answer.out)
    assert answer.code == 0
    assert (document["balances"], document["expected"], document["missing"]) == (True, 10, 0)


def test_a_span_that_ends_before_it_begins_balances_nothing(job: Job, scheduler: Any) -> None:
    span = ("--from", "2026-03-02T00:00:00Z", "--to", "2026-03-01T00:00:00Z")
    answer = scheduler("verify", *span, "--json")

    assert answer.code == 2
    assert answer.document["error"]["field"] == "from"


def test_a_missing_row_ends_with_1_and_is_named(job: Job, scheduler: Any) -> None:
    gone = Run.objects.order_by("scheduled_at")[3]
    instant = gone.scheduled_at
    gone.delete()

    answer = scheduler("verify", "--job", "minutely", "--json")

    (item,) = json.loads(answer.out)["items"]
    assert answer.code == 1
    assert item["missing"] == 1
    assert item["examples"]["missing"] == [instant.isoformat().replace("+00:00", "Z")]


def test_explain_answers_in_sentences_and_as_json(job: Job, scheduler: Any) -> None:
    instant = Run.objects.order_by("scheduled_at")[2].scheduled_at.isoformat()

    told = scheduler("explain", "minutely", "--at", instant)
    document = json.loads(scheduler("explain", "minutely", "--at", instant, "--json").out)

    assert told.code == 0
    assert "is an occurrence of version 1" in told.out
    assert "It ended at" in told.out
    assert document["isOccurrence"] is True
    assert document["run"]["statusName"] == "success"


def test_an_instant_without_its_offset_is_refused(job: Job, scheduler: Any) -> None:
    answer = scheduler("explain", "minutely", "--at", "2026-03-01T00:00:00", "--json")

    assert answer.code == 2
    assert json.loads(answer.out)["error"]["field"] == "at"
