"""What the simulation says is what the ledger then holds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schedules.dispatch import plan_due
from schedules.finish import Outcome, finish_attempt
from schedules.lease import instance_id
from schedules.models import AuditEntry, Job, Run, ScheduleVersion
from schedules.operations.create import create_job
from schedules.operations.occurrences import change_occurrence, skip_occurrence
from schedules.operations.simulation.clock import Outage
from schedules.operations.simulation.simulate import jobs_to_simulate, simulate
from schedules.operations.switch import pause_job
from schedules.overlap import give_way
from schedules.states import WAITING, Overlap, RunState

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # the night in which Berlin's clock is changed
END = BEGIN + timedelta(hours=6)
MINUTE = timedelta(minutes=1)
ADA: dict[str, Any] = {"by": "ada", "source": "cli"}


def make(**values: Any) -> Job:
    key = f"job-x{Job.objects.count()}"
    chosen = {"key": key, "args": [1], **values}
    return create_job("sample_jobs.add", values=chosen, now=BEGIN - MINUTE, **ADA)


GRACES = st.sampled_from([timedelta(0), timedelta(minutes=20), None])
CRONS = st.sampled_from(["*/15 * * * *", "*/20 1-3 * * *", "7,37 * * * *"])
QUIET = settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUIET
@given(cron=CRONS, grace=GRACES, coalesce=st.booleans(), pause=st.integers(0, 300))
def test_planning_writes_the_rows_that_were_foretold(
    cron: str, grace: timedelta | None, coalesce: bool, pause: int
) -> None:
    Job.objects.update(is_enabled=False, next_run_at=None, next_due_at=None)
    job = make(
        cron_expression=cron,
        timezone="Europe/Berlin",
        misfire_grace=grace,
        coalesce=coalesce,
        overlap=Overlap.QUEUE_ALL,
    )
    until = BEGIN + pause * MINUTE
    pause_job(job, until=until + MINUTE, now=BEGIN, reason="move", **ADA)
    outage = Outage(since=BEGIN + 240 * MINUTE, until=BEGIN + 313 * MINUTE)
    written = Run.objects.count(), ScheduleVersion.objects.count(), AuditEntry.objects.count()
    said = simulate(jobs_to_simulate(now=BEGIN), begin=BEGIN, end=END, outages=[outage]).jobs[0]
    assert written == (
        Run.objects.count(),
        ScheduleVersion.objects.count(),
        AuditEntry.objects.count(),
    )

    for minute in range(361):
        if not outage.since <= BEGIN + minute * MINUTE < outage.until:
            plan_due(now=BEGIN + minute * MINUTE)

    rows = list(Run.objects.filter(job=job))
    assert said.occurrences == sum(run.count for run in rows)
    assert said.ran + said.waiting == sum(run.state in WAITING for run in rows)
    fates = {
        (state, reason): sum(
            run.count for run in rows if (run.state, run.reason) == (state, reason)
        )
        for state, reason in {(run.state, run.reason) for run in rows if run.reason}
    }
    assert dict(said.fates) == fates


@pytest.mark.parametrize("outage", [None, (100, 150), (10, 75)])
def test_single_occurrences_that_were_changed_are_foretold(outage: tuple[int, int] | None) -> None:
    job = make(
        cron_expression="*/30 * * * *",
        misfire_grace=timedelta(minutes=40),
        overlap=Overlap.QUEUE_ALL,
    )
    said: dict[str, Any] = {"now": BEGIN - MINUTE, **ADA}
    skip_occurrence(job, at=BEGIN + 60 * MINUTE, reason="stocktaking", **said)
    for place, to in ((90, 47), (120, 133), (150, 700), (300, 20), (330, -0.5)):
        at, moved_to = BEGIN + place * MINUTE, BEGIN + to * MINUTE
        change_occurrence(job, at=at, moved_to=moved_to, **said)
    outages = [
        Outage(since=BEGIN + a * MINUTE, until=BEGIN + b * MINUTE)
        for a, b in filter(None, [outage])
    ]
    foretold = simulate(jobs_to_simulate(now=BEGIN), begin=BEGIN, end=END, outages=outages).jobs[0]

    for half in range(-2, 721):
        now = BEGIN + half * MINUTE / 2
        if not any(each.since <= now < each.until for each in outages):
            plan_due(now=now)

    rows = list(Run.objects.filter(job=job))
    assert foretold.occurrences == sum(run.count for run in rows)
    ends = Counter((run.state, run.reason) for run in rows if run.reason)
    assert foretold.fates == ends, "each in a row of its own"
    planned = [run.due_at for run in rows if run.state in WAITING]
    assert foretold.waiting == sum(due > END for due in planned) == 1
    assert foretold.ran == sum(due <= END for due in planned)


@contextmanager
def at(now: datetime) -> Iterator[None]:
    with time_machine.travel(now, tick=False):
        yield


class Engine:
    """The real plan, claim, overlap and end, on a clock that is moved from event to event."""

    def __init__(self, job: Job, length: timedelta) -> None:
        self.job, self.length = job, length
        self.running: list[tuple[datetime, Run]] = []

    def live(self) -> None:
        while (now := self._next()) is not None and now <= END:
            with at(now):
                for _, run in [pair for pair in self.running if pair[0] <= now]:
                    finish_attempt(run, Outcome(state=RunState.SUCCEEDED))
                    self.running = [pair for pair in self.running if pair[1] != run]
                    self._claim_sent(now)
                plan_due(now=now)
                for run in Run.objects.filter(job=self.job, due_at=now, state=RunState.SENT):
                    self._claim(run, now)

    def _next(self) -> datetime | None:
        self.job.refresh_from_db()
        instants = [self.job.next_due_at, *(end for end, _ in self.running)]
        return min((instant for instant in instants if instant is not None), default=None)

    def _claim_sent(self, now: datetime) -> None:
        """What the end of a run has made due for sending arrives at once."""
        for run in Run.objects.waiting().filter(job=self.job, publish_at__lte=now):
            self._claim(run, now)

    def _claim(self, run: Run, now: datetime) -> None:
        try:
            with transaction.atomic():
                claimed = Run.objects.claim(
                    run.task_id, task=run.task, instance_id=instance_id(), pid=1
                )
        except IntegrityError:
            give_way(Run.objects.select_related("job").get(pk=run.pk))
            return
        assert claimed is not None
        self.running.append((now + self.length, claimed))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only there the clock is this process's")
@QUIET
@given(
    every=st.integers(7, 30),
    length=st.integers(1, 70),
    slots=st.integers(1, 3),
    overlap=st.sampled_from([Overlap.SKIP, Overlap.QUEUE_ONE, Overlap.QUEUE_ALL, Overlap.ALLOW]),
)
def test_slots_and_overlaps_are_as_foretold(
    every: int, length: int, slots: int, overlap: Overlap
) -> None:
    Job.objects.update(is_enabled=False, next_run_at=None, next_due_at=None)
    with at(BEGIN - MINUTE):
        # However late: here nobody looks every half minute at what waits, which renews its grace.
        values = {"max_instances": slots, "overlap": overlap, "misfire_grace": None}
        job = make(interval_minutes=every, **values)
        jobs = jobs_to_simulate(now=BEGIN, usual_length=length * MINUTE)
        said = simulate(jobs, begin=BEGIN, end=END).jobs[0]

    Engine(job, length * MINUTE).live()

    rows = Run.objects.filter(job=job)
    by_state = {state: rows.filter(state=state).count() for state in RunState}
    assert said.occurrences == rows.count()
    assert said.ran == by_state[RunState.SUCCEEDED] + by_state[RunState.RUNNING]
    assert said.fates.total() == by_state[RunState.SKIPPED]
    assert said.waiting == by_state[RunState.PLANNED]
