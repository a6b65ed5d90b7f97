"""W6: what Beat costs while nothing is due: processor time, and its slowest statement."""

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.programs import Program
from bench.report import Figure, Section, at_most
from bench.server_log import durations_between, timing_statements
from bench.statements import FILE as STATEMENTS
from bench.work import Bench
from bench.works.w1_start import filled_with
from bench.works.w2_edit import wait_for_beats
from bench.works.w3_burst import forget_waiting
from project.devstack.client import connected_to

TITLE = "idle: many jobs, none due"
MOST_PERCENT, MOST_MS = 1.0, 1.0
SETTLE = 3.0
"""Seconds after the first tick, in which the chores of a start are done."""

ROUND = 10
"""Seconds in which each of Beat's chores has its turn, and none more often than in others."""

LONG = timedelta(hours=1)
"""Longer than is watched."""


@dataclass(frozen=True, slots=True)
class Idle:
    """One stretch of time."""

    percent: float
    """Of one core."""

    statements: float
    """A second."""

    by_text: dict[str, list[float]] = field(default_factory=dict)
    """The milliseconds of each statement, by its text."""

    @property
    def slowest(self) -> tuple[float, str]:
        """The longest that any took, in milliseconds, and its text."""
        longest = ((max(took), text) for text, took in self.by_text.items())
        return max(longest, default=(0.0, ""))

    @property
    def slowest_kind(self) -> tuple[float, str]:
        """The statement that usually takes longest: its median, and its text."""
        medians = ((statistics.median(took), text) for text, took in self.by_text.items())
        return max(medians, default=(0.0, ""))


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    size = bench.wish.size(100_000, quick=10_000)
    with filled_with(bench, size) as (url, _):
        sides = {"ours": partial(idle, bench, url)}
        found = bench.in_turns(sides, section)["ours"]
    section.figures += figures(found, among=f"{size:,} jobs", judged=not bench.quick)
    if found:
        last = found[-1]
        for what, (took, text) in (
            ("the slowest of all", last.slowest),
            ("usually the slowest", last.slowest_kind),
        ):
            section.texts.append(f"{what}, {took:.2f} ms: {text}")


def figures(found: list[Idle], *, among: str, judged: bool) -> list[Figure]:
    """Return what the stretches say."""
    return [
        Figure(
            name=f"Beat's processor time, {among}",
            values=[one.percent for one in found],
            unit="% of a core",
            goal=at_most(MOST_PERCENT),
            judged=judged,
        ),
        Figure(
            name="slowest statement of all",
            values=[one.slowest[0] for one in found],
            unit="ms",
            goal=at_most(MOST_MS),
            judged=judged,
        ),
        Figure(
            name="slowest statement by its median",
            values=[one.slowest_kind[0] for one in found],
            unit="ms",
        ),
        Figure(name="statements", values=[one.statements for one in found], unit="/s"),
    ]


def idle(bench: Bench, url: str, *, seconds: int = 30) -> Idle:
    """Watch a Beat for a while. A server says how long its statements took; on SQLite another Beat
    is watched as long again, with little time the same one, which times its own.
    """
    seconds = bench.wish.size(seconds, quick=ROUND)
    bench.servers.redis.flushall()
    with connected_to(url):
        _let_nothing_be_due()
        if bench.wish.database == "postgres":
            with timing_statements(bench.servers.postgres):
                begin, percent = _watched(bench.servers.beat(url), seconds)
            by_text = durations_between(bench.servers.postgres, begin, begin + seconds)
        else:
            log = bench.servers.fresh_file("statements")
            timed = {STATEMENTS: str(log)}
            begin, percent = _watched(bench.servers.beat(url, **timed), seconds)
            if not bench.quick:
                _, percent = _watched(bench.servers.beat(url), seconds)
            by_text = _timed(log, since=begin)
    count = sum(map(len, by_text.values()))
    return Idle(percent, count / seconds, by_text)


def _let_nothing_be_due() -> None:
    """Put off the product's own jobs, some of which run each minute, and what waits for workers."""
    from schedules.models import Job
    from schedules.querysets.clock import database_now

    forget_waiting()
    soon = Job.objects.filter(next_due_at__lt=database_now() + LONG)
    soon.update(next_run_at=database_now() + LONG, next_due_at=database_now() + LONG)


def _watched(beat: Program, seconds: float) -> tuple[float, float]:
    """Return when the watching began, and how much of a core the Beat used in it, in percent."""
    with beat:
        wait_for_beats(1, beat)
        time.sleep(SETTLE)
        begin, before = time.time(), beat.cpu_seconds()
        time.sleep(seconds)
        return begin, (beat.cpu_seconds() - before) / seconds * 100


def _timed(log: Path, *, since: float) -> dict[str, list[float]]:
    found = defaultdict(list)
    for line in log.read_text().splitlines():
        at, took, text = line.split("\t", 2)
        if float(at) >= since:
            found[text].append(float(took))
    return dict(found)
