"""W1: how long Beat takes from its start to its first dispatch, and in how much memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.programs import Program
from bench.report import Figure, Section, at_least, at_most, ratios
from bench.rivals import Rival, stock, stock_beat
from bench.work import Bench, say
from project.devstack.client import connected_to

FEW = 100
TITLE = "start of Beat to its first dispatch, one job due"
MOST_RATIO, TIMES_FASTER, MOST_MEGABYTES = 1.2, 20.0, 100.0
STARTS = 5
"""Starts of ours in a turn, whose median counts: one of half a second may take another half of it
where the machine is shared.
"""

STILL = 1.0
"""Seconds after the first dispatch, for the memory that it has by then."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start."""

    seconds: float
    megabytes: float


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    many = bench.wish.size(100_000, quick=10_000)
    sizes = (FEW, many) if bench.quick else (FEW, many, 1_000_000)
    with ExitStack() as databases:
        sides: dict[str, Callable[[], Start]] = {}
        for size in sizes:
            filled = databases.enter_context(filled_with(bench, size))
            sides[f"ours, {size:,} jobs"] = partial(starts, bench, *filled)
        # A crontab is what ours have; an interval is the lightest that stock Beat can load.
        sides[f"stock, {many:,} jobs"] = _stock(bench, many, databases, kind="crontab")
        sides[f"stock, {many:,} intervals"] = _stock(bench, many, databases, kind="interval")
        found = bench.in_turns(sides, section)
    section.figures += figures(found, few=f"ours, {FEW:,} jobs", judged=not bench.quick)


def figures(found: dict[str, list[Start]], *, few: str, judged: bool) -> list[Figure]:
    """Return what the starts say, the first of `found` being the one that others are held to."""
    made = []
    seconds = {name: [one.seconds for one in starts] for name, starts in found.items()}
    for name, starts in found.items():
        is_ours, goal = name.startswith("ours"), None
        made.append(Figure(name=name, values=seconds[name], unit="s"))
        megabytes = [one.megabytes for one in starts]
        goal = at_most(MOST_MEGABYTES) if is_ours else None
        made.append(
            Figure(name=f"{name}, memory", values=megabytes, unit="MB", goal=goal, judged=judged)
        )
        if is_ours and name != few:
            values = ratios(seconds[name], seconds[few])
            goal = at_most(MOST_RATIO)
            made.append(
                Figure(name=f"{name} / {few}", values=values, unit="x", goal=goal, judged=judged)
            )
        if not is_ours:
            ours = name.replace("stock", "ours").replace("intervals", "jobs")
            values = ratios(seconds[name], seconds[ours])
            goal = at_least(TIMES_FASTER)
            made.append(
                Figure(name=f"{name} / ours", values=values, unit="x", goal=goal, judged=judged)
            )
    return made


@contextmanager
def filled_with(bench: Bench, size: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the address of a database of ours with so many jobs, and their numbers."""
    from bench.fill_jobs import fill_jobs

    with bench.servers.ours() as url:
        say(f"writing {size:,} jobs")
        with connected_to(url):
            numbers = fill_jobs(size)
        yield url, numbers


def starts(bench: Bench, url: str, numbers: list[int]) -> Start:
    """Start a Beat of ours several times; return the median of the seconds and the most memory."""
    made = [start(bench, url, numbers) for _ in range(1 if bench.quick else STARTS)]
    return Start(median(one.seconds for one in made), max(one.megabytes for one in made))


def start(bench: Bench, url: str, numbers: list[int]) -> Start:
    """Start a Beat of ours that has one job to dispatch."""
    from bench.fill_jobs import let_be_due
    from schedules.querysets.clock import database_now

    bench.servers.redis.flushall()
    with connected_to(url):
        let_be_due(numbers, at=database_now(), count=1)
    return _started(bench, bench.servers.beat(url))


def _stock(bench: Bench, size: int, databases: ExitStack, *, kind: str) -> Callable[[], Start]:
    """Return the start of a stock Beat; its database is filled when it is first asked for."""
    kept: list[Rival] = []

    def start_stock() -> Start:
        if not kept:
            kept.append(databases.enter_context(stock(bench, size, kind=kind)))
        bench.servers.redis.flushall()
        kept[0].run("bench.peers.stock", "due", "1", str(time.time()))
        return _started(bench, stock_beat(kept[0]))

    return start_stock


def _started(bench: Bench, beat: Program) -> Start:
    with beat:
        at = bench.servers.wait_for_message(beat)
        time.sleep(STILL)
        return Start(at - beat.started_at, beat.memory())
