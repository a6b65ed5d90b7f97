"""Who is held for a slot gets one as soon as there is one, however it came free."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.finish import Outcome, finish_all_waiting, finish_attempt, finish_waiting
from schedules.lease import instance_id
from schedules.models import Job, Run
from schedules.operations.edit import update_job
from schedules.operations.install import install_declared
from schedules.operations.switch import delete_job
from schedules.querysets.clock import database_now
from schedules.registry import find
from schedules.registry.declaration import declared
from schedules.states import Origin, RunState

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
CANCELLED = Outcome(state=RunState.CANCELLED, reason="no longer")

MakeJob = Callable[..., Job]
MakeRun = Callable[..., Run]
Full = Callable[..., tuple[list[Run], list[Run]]]


@pytest.fixture
def full(make_run: MakeRun, now: datetime) -> Full:
    """Have every slot of a job taken, and four runs held for one; return both."""

    def fill(job: Job) -> tuple[list[Run], list[Run]]:
        runs = [
            make_run(
                job=job,
                job_key=job.key,
                origin=Origin.OPERATOR,
                scheduled_at=now + number * MINUTE,
                publish_at=database_now() + MINUTE,
            )
            for number in range(job.max_instances + 4)
        ]
        for run in runs[: job.max_instances]:
            Run.objects.claim(run.task_id, task=run.task, instance_id=instance_id(), pid=1)
            run.refresh_from_db()
        return runs[: job.max_instances], runs[job.max_instances :]

    return fill


def sent(held: list[Run]) -> list[Run]:
    """Those of them that the outbox sends now."""
    ready = set(Run.objects.ready_to_send(database_now()).values_list("pk", flat=True))
    return [run for run in held if run.pk in ready]


def end_together(*runs: Run) -> None:
    finish_all_waiting(runs, CANCELLED, instance_id=instance_id())


def end_each(*runs: Run) -> None:
    for run in runs:
        finish_waiting(run, CANCELLED)


@pytest.mark.parametrize("end", [end_each, end_together])
def test_who_ends_on_the_way_to_a_slot_passes_it_on(
    make_job: MakeJob, full: Full, end: Callable[..., None]
) -> None:
    running, held = full(make_job(max_instances=2))
    for run in running:
        finish_attempt(run, Outcome(state=RunState.SUCCEEDED))
    assert sent(held) == held[:2]

    end(held[0])
    assert sent(held) == held[1:3]

    end(held[1], held[2])
    assert sent(held) == held[3:]


@pytest.mark.parametrize("end", [end_each, end_together])
def test_who_ends_while_held_gives_nobody_a_slot(
    make_job: MakeJob, full: Full, end: Callable[..., None]
) -> None:
    _, held = full(make_job(max_instances=2))

    end(held[0], held[2])

    assert sent(held) == []


@pytest.mark.parametrize("state", [RunState.SENT, RunState.RETRYING])
def test_what_is_on_its_way_has_its_slot(
    make_job: MakeJob, make_run: MakeRun, full: Full, state: RunState
) -> None:
    job = make_job(max_instances=2)
    running, held = full(job)
    finish_attempt(running[0], Outcome(state=RunState.SUCCEEDED))
    make_run(job=job, origin=Origin.OPERATOR, state=state)

    finish_waiting(held[0], CANCELLED)

    assert sent(held) == []


def test_a_larger_max_instances_sends_as_many_as_there_are_new_slots(
    make_job: MakeJob, full: Full
) -> None:
    job = make_job(max_instances=1, due=database_now() + MINUTE)
    _, held = full(job)

    job = update_job(job, changes={"max_instances": 3}, by="ada", source="cli", now=database_now())
    assert sent(held) == held[:2]

    update_job(job, changes={"max_instances": 2}, by="ada", source="cli", now=database_now())
    assert sent(held) == held[:2]


def test_a_larger_max_instances_in_code_does_so_too(
    full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_declared(now=database_now())
    _, held = full(Job.objects.get(key="daily"))
    one = find("sample_jobs.daily")
    assert one is not None
    monkeypatch.setitem(declared, one.task, replace(one, max_instances=3))

    install_declared(now=database_now())

    assert sent(held) == held[:2]


def test_it_takes_one_statement_for_many_runs_and_none_for_calls_or_where_all_end(
    make_job: MakeJob, make_run: MakeRun, full: Full
) -> None:
    jobs = [make_job(f"job {number}") for number in range(3)]
    for job in jobs:
        full(job)
    ended = [make_run(job=job, origin=Origin.OPERATOR) for job in jobs for _ in range(2)]
    calls = [make_run() for _ in range(3)]

    assert looks(lambda: end_together(*ended)) == 1
    assert looks(lambda: end_together(*calls)) == looks(lambda: end_each(make_run())) == 0
    deleted = looks(lambda: delete_job(jobs[0], by="ada", source="cli", now=database_now()))
    assert (deleted, Run.objects.waiting().filter(job=jobs[0]).count()) == (0, 0)


def looks(work: Callable[[], object]) -> int:
    """How many statements look for who is held."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return sum("on_their_way" in query["sql"] for query in captured)
