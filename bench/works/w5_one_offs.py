"""W5: calls that are due in a month: how fast they are written down, and what they cost until."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bench.programs import Program, ProgramFailed, resident
from bench.report import Figure, Section, at_least, at_most
from bench.work import Bench
from bench.works.w2_edit import wait_for_beats
from project.devstack.client import connected_to
from project.devstack.waiting import WaitedTooLong, wait_until

TITLE = "many one-off calls a month ahead"
BULK_PER_SECOND, SINGLY_PER_SECOND = 10_000.0, 1_500.0
MOST_WORKER_MB, MOST_BROKER_MB = 1.0, 0.1
"""What is measured as nothing: memory is counted in pages, and the broker's in its clients too."""

AHEAD = timedelta(days=30)
SETTLE = 3.0
"""Seconds in which a worker and a Beat that would take them would have begun to."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One turn."""

    bulk: float
    singly: float
    worker_mb: float
    broker_mb: float


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    count = bench.wish.size(100_000, quick=5_000)
    found = bench.in_turns({"ours": partial(_ours, bench, count)}, section)["ours"]
    judged = not bench.quick
    figures = (
        (f"{count:,} in bulk", [one.bulk for one in found], "/s", at_least(BULK_PER_SECOND)),
        (
            f"{count // 10:,} one by one",
            [one.singly for one in found],
            "/s",
            at_least(SINGLY_PER_SECOND),
        ),
        ("worker's memory", [one.worker_mb for one in found], "MB more", at_most(MOST_WORKER_MB)),
        ("broker's memory", [one.broker_mb for one in found], "MB more", at_most(MOST_BROKER_MB)),
    )
    section.figures += [
        Figure(name=name, values=values, unit=unit, goal=goal, judged=judged)
        for name, values, unit, goal in figures
    ]


def _ours(bench: Bench, count: int) -> Parked:
    """Park them beside a Beat and a worker; then let some be due, and see each run once."""
    from bench.ours.jobs import noop

    bench.servers.redis.flushall()
    with (
        bench.servers.ours() as url,
        connected_to(url),
        bench.servers.beat(url) as beat,
        bench.servers.worker(url) as worker,
    ):
        wait_for_beats(1, beat)
        _run_once(["warm"], worker)
        memory, broker = _worker_mb(worker), _broker_mb(bench)
        bulk = in_bulk(noop, count)
        singly = one_by_one(noop, max(count // 10, 100))
        time.sleep(SETTLE)
        grown = _worker_mb(worker) - memory, _broker_mb(bench) - broker
        _run_once([f"bulk:{number}" for number in range(0, count, count // 100)], worker)
    return Parked(bulk, singly, *grown)


def in_bulk(task: Any, count: int) -> float:
    """Park in the caller's one transaction; return how many a second."""
    from django.db import transaction

    from schedules.public import Call, park
    from schedules.querysets.clock import database_now

    at = database_now() + AHEAD
    calls = [
        Call(key=f"bulk:{number}", at=at + timedelta(seconds=number)) for number in range(count)
    ]
    began = time.monotonic()
    with transaction.atomic():
        park(task, calls)
    return count / (time.monotonic() - began)


def one_by_one(task: Any, count: int) -> float:
    """Call with an ETA, again and again in the caller's one transaction."""
    from django.db import transaction

    from schedules.querysets.clock import database_now

    at = database_now() + AHEAD
    began = time.monotonic()
    with transaction.atomic():
        for number in range(count):
            task.apply_async(eta=at + timedelta(seconds=number))
    return count / (time.monotonic() - began)


def _run_once(keys: Sequence[str], worker: Program) -> None:
    """Let the calls of these keys be due now. Raises ProgramFailed unless each runs once."""
    from bench.ours.jobs import NOOP
    from schedules.models import Attempt, Run
    from schedules.public import Call, park
    from schedules.querysets.clock import database_now
    from schedules.states import RunState

    now: datetime = database_now()
    park(NOOP, [Call(key=key, at=now) for key in keys])
    runs = Run.objects.filter(natural_key__in=keys)
    done = runs.filter(state=RunState.SUCCEEDED)
    try:
        wait_until(
            lambda: done.count() == len(keys),
            what=f"{len(keys)} one-off calls",
            timeout=timedelta(minutes=2),
        )
    except WaitedTooLong as error:
        worker.check()
        raise ProgramFailed(str(error)) from error
    if (runs.count(), Attempt.objects.filter(run__in=runs).count()) != (len(keys), len(keys)):
        raise ProgramFailed(f"{len(keys)} one-off calls did not run once each")


def _worker_mb(worker: Program) -> float:
    return sum(resident(pid) for pid in worker.family())


def _broker_mb(bench: Bench) -> float:
    """Return what the broker's data needs, without its clients' buffers and its own log's."""
    return float(bench.servers.redis.info("memory")["used_memory_dataset"]) / 1_000_000
