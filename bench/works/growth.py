"""Growth: the same work among ever more jobs and runs; what it costs should stay the same."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.report import Figure, Section, at_most, ratios
from bench.work import Bench, say
from bench.works.w1_start import filled_with, start
from bench.works.w3_burst import burst
from bench.works.w6_idle import idle
from project.devstack.client import connected_to

TITLE = "costs grow with what is due, not with what exists: W1, W3, W6 and the API's lists"
DUE = 1_000
MOST_TURNS = 2
IDLE_SECONDS = 10
MOST_START = 1.2
PAGES = {
    "a page of jobs": "/api/v1/scheduler/jobs?per_page=20",
    "a page of the history": "/api/v1/scheduler/history?per_page=20",
    "a page of a job's history": "/api/v1/scheduler/jobs/filled-0/history?per_page=20",
    "a page of the failed": "/api/v1/scheduler/history?per_page=20&status_id=4",
}


@dataclass(frozen=True, slots=True)
class Costs:
    """What one turn at one size has cost, by name, and the query plans."""

    seconds: dict[str, float]
    plans: str


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    sizes = sorted(bench.wish.sizes)
    with ExitStack() as databases:
        sides: dict[str, Callable[[], Costs]] = {}
        for size in sizes:
            url, numbers = databases.enter_context(filled_with(bench, size))
            _write_runs(url, size)
            sides[f"{size:,}"] = partial(_costs, bench, url, numbers, due=min(DUE, sizes[0]))
        found = bench.in_turns(sides, section, turns=min(bench.wish.turns, MOST_TURNS))
    section.figures += figures(found, quick=bench.quick)
    if bench.wish.plans:
        for among, turns in found.items():
            section.texts += [f"plans among {among}\n{turns[-1].plans}"] if turns else []


def figures(found: dict[str, list[Costs]], *, quick: bool) -> list[Figure]:
    """Return each cost at each size, and the largest size's as a multiple of the smallest's."""
    made = []
    sizes = list(found)
    names = {name: None for turns in found.values() for one in turns for name in one.seconds}
    for name in names:
        values = {size: [one.seconds[name] for one in turns] for size, turns in found.items()}
        made += [
            Figure(name=f"{name}, among {size}", values=at, unit=_unit(name))
            for size, at in values.items()
        ]
        if len(sizes) > 1:
            goal = at_most(MOST_START) if name.startswith("W1") else None
            made.append(
                Figure(
                    name=f"{name}, {sizes[-1]} / {sizes[0]}",
                    values=ratios(values[sizes[-1]], values[sizes[0]]),
                    unit="x",
                    goal=goal,
                    judged=not quick,
                )
            )
    return made


def _unit(name: str) -> str:
    if name.startswith("W1"):
        return "s"
    return "% of a core" if "idle" in name else "ms"


def _write_runs(url: str, count: int) -> None:
    from bench.fill import fill
    from schedules.querysets.clock import database_now

    say(f"writing {count:,} runs")
    with connected_to(url):
        fill(runs=count, now=database_now())


def _costs(bench: Bench, url: str, numbers: list[int], *, due: int) -> Costs:
    from bench.plans import plans_of_beat, plans_of_page
    from schedules.querysets.clock import database_now

    costs = {"W1, start to first dispatch": start(bench, url, numbers).seconds}
    if not bench.quick:  # of which W3 and W6 themselves give an idea
        rate = burst(bench, url, numbers, due)
        costs[f"W3, {due:,} due in one second"] = due / rate * 1000
        still = idle(bench, url, seconds=IDLE_SECONDS)
        costs["W6, idle Beat"] = still.percent
        costs["W6, slowest statement by its median"] = still.slowest_kind[0]
    with connected_to(url):
        client = _client()
        plans = [plans_of_beat(now=database_now())] if bench.wish.plans else []
        for name, address in PAGES.items():
            costs[name] = _milliseconds(client, address, times=bench.wish.size(20, quick=5))
            plans += [plans_of_page(client, address)] if bench.wish.plans else []
    return Costs(costs, "\n".join(plans))


def _client() -> Any:
    """Return a client that may see everything."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from schedules.access import create_token
    from schedules.querysets.clock import database_now

    users = get_user_model()._default_manager
    root = users.filter(username="bench").first() or users.create_superuser("bench")
    return Client(headers={"Authorization": f"Bearer {create_token(root, now=database_now()).raw}"})


def _milliseconds(client: Any, address: str, *, times: int) -> float:
    from bench.api import ask
    from bench.programs import ProgramFailed

    asked = ask(client, address, times=times)
    if asked["status"] != 200:
        raise ProgramFailed(f"{address} answered {asked['status']}")
    return float(asked["median_ms"])
