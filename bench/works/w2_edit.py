"""W2: one edit among many jobs: when it is in force, and what it costs Beat."""

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bench.programs import Program
from bench.report import Figure, Section, at_most, ratios
from bench.rivals import STOCK, stock, stock_beat
from bench.work import Bench
from bench.works.w1_start import filled_with
from project.devstack.client import connected_to

TITLE = "one edit among many jobs"
MOST_SECONDS, MOST_MS = 1.0, 5.0
STOCK_BUSY = 600.0  # seconds
APART = 0.3
"""Seconds between two edits: no tick meets two of them."""

SETTLE = 3.0
"""Seconds after the first tick, in which the chores of a start are done."""

ROUND = 10.0
"""Seconds in which Beat does each of its chores, some of them several times: stretches of time
that are compared are whole rounds.
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """What one edit, or the mean of several, took."""

    seconds: float
    """From its commit until it is in force."""

    cpu_ms: float
    """Of the scheduler's processor time, over what it uses without edits.

    The difference of two stretches of time: where that is within their noise it may be below 0.
    """


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    size = bench.wish.size(100_000, quick=10_000)
    with filled_with(bench, size) as (url, numbers):
        sides = {
            "ours": partial(_ours, bench, url, numbers),
            "stock": partial(_stock, bench, size),
        }
        found = bench.in_turns(sides, section)
    judged = not bench.quick
    for name, edits in found.items():
        goals = (
            {"seconds": at_most(MOST_SECONDS), "cpu": at_most(MOST_MS)} if name == "ours" else {}
        )
        among = f"{name}, {size:,} jobs"
        section.figures += [
            Figure(
                name=f"{among}, from commit to in force",
                values=[edit.seconds for edit in edits],
                unit="s",
                goal=goals.get("seconds"),
                judged=judged,
            ),
            Figure(
                name=f"{among}, processor time of an edit",
                values=[edit.cpu_ms for edit in edits],
                unit="ms",
                goal=goals.get("cpu"),
                judged=judged,
            ),
        ]
    section.figures += compared(found)


def compared(found: dict[str, list[Edit]]) -> list[Figure]:
    """Return what stock Beat takes as a multiple of what ours does."""
    ours, theirs = found["ours"], found["stock"]
    return [
        Figure(
            name="stock / ours, from commit to in force",
            values=ratios([edit.seconds for edit in theirs], [edit.seconds for edit in ours]),
            unit="x",
        ),
        Figure(
            name="stock / ours, processor time",
            values=ratios([edit.cpu_ms for edit in theirs], [edit.cpu_ms for edit in ours]),
            unit="x",
        ),
    ]


def _ours(bench: Bench, url: str, numbers: list[int]) -> Edit:
    """Edit jobs one after the other, by saving their periodic tasks; take the means.

    Beat's processor time in whole rounds of its chores with edits, less that in as many without.
    """
    rounds = bench.wish.size(2, quick=1)
    with connected_to(url), bench.servers.beat(url) as beat:
        wait_for_beats(1, beat)
        _edited(numbers[-1], beat)  # the first one brings modules into memory
        time.sleep(SETTLE)
        quiet = _cpu_in(beat, seconds=rounds * ROUND)
        before, end = beat.cpu_seconds(), time.monotonic() + rounds * ROUND
        waits = []
        for number in numbers_from(numbers, round(rounds * ROUND / APART)):
            waits.append(_edited(number, beat))
            if time.monotonic() > end - APART:
                break
        time.sleep(max(end - time.monotonic(), 0.0))
        used = beat.cpu_seconds() - before
    return Edit(max(waits), (used - quiet) / len(waits) * 1000)


def numbers_from(numbers: list[int], count: int) -> list[int]:
    """Return that many numbers of jobs, spread over all."""
    first, last = numbers[0], numbers[-1]
    return [first + (last - first) * n // count for n in range(count)]


def wait_for_beats(count: int, *beats: Program) -> None:
    """Return once so many Beats have ticked for the first time."""
    from project.devstack.waiting import wait_until
    from schedules.models import Instance
    from schedules.states import InstanceKind

    alive = Instance.objects.filter(kind=InstanceKind.BEAT, pid__in=[beat.pid for beat in beats])

    def are_there() -> bool:
        for beat in beats:
            beat.check()
        return alive.count() >= count

    wait_until(are_there, what=f"the first tick of {count} Beats", timeout=timedelta(minutes=5))


def _edited(number: int, beat: Program) -> float:
    """Give one job another timetable; return the seconds from the commit until it is in force."""
    from django_celery_beat.models import CrontabSchedule, PeriodicTask

    from schedules.models import Job

    job = Job.objects.get(pk=number)
    other, _ = CrontabSchedule.objects.get_or_create(minute="7", hour="7", timezone="UTC")
    task = PeriodicTask.objects.get(pk=job.periodic_task_id)
    same = task.crontab_id == other.pk
    if same:
        other, _ = CrontabSchedule.objects.get_or_create(minute="8", hour="8", timezone="UTC")
    task.crontab = other
    task.save()
    committed = time.monotonic()
    in_force = Job.objects.filter(pk=number, version__gt=job.version)
    while not in_force.exists():
        beat.check()
        time.sleep(0.005)
    took = time.monotonic() - committed
    time.sleep(max(APART - took, 0.0))
    return took


def _cpu_in(program: Program, *, seconds: float) -> float:
    before = program.cpu_seconds()
    time.sleep(seconds)
    return program.cpu_seconds() - before


def _stock(bench: Bench, size: int) -> Edit:
    """Make the last job of stock Beat run every second; in force is what it dispatches."""
    with stock(bench, size) as rival:
        bench.servers.redis.flushall()
        rival.run(STOCK, "due", "1", str(time.time()))
        with stock_beat(rival) as beat:
            bench.servers.wait_for_message(beat)  # it has loaded everything
            quiet = _cpu_in(beat, seconds=2.0) / 2.0
            before, began = beat.cpu_seconds(), time.time()
            committed = float(rival.run(STOCK, "edit"))
            at = bench.servers.wait_for_message(beat, patience=STOCK_BUSY)
            used = beat.cpu_seconds() - before - quiet * (at - began)
    return Edit(at - committed, max(used, 0.0) * 1000)
