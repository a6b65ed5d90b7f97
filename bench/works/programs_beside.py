"""Measurements with a program of their own, as works: the business's jobs, pages, clock changes,
filling.
"""

import json
import os
import sys
import time
from typing import Any

from bench.programs import run
from bench.report import Figure, Section, at_most
from bench.work import Bench, say
from project.devstack.client import connected_to

JOBS = "the business's jobs over many rows, against the bare bulk INSERT of the same rows"
API = "pages of the API and the admin over a long log"
DST_WEEKEND = "weekends on which a clock is changed, in virtual time, beside stock Beat's crontab"
FILL = "filling a database with jobs, and with the log of a month"
A_MINUTE = 60.0
FINE = (0, 1)
"""Exit codes of a program that has measured; 1 says that a limit of its own is not kept."""


def measure_jobs(bench: Bench, section: Section) -> None:
    """Run `bench.jobs` once; what is over its limits is said there."""
    words = ["--scale=0.01", "attendance", "meetings"] if bench.quick else []
    said = _run("bench.jobs", "--json", f"--database={bench.wish.database}", *words)
    for report in json.loads(said):
        name, judged = report["job"], not bench.quick
        section.figures += [
            Figure(
                name=f"{name}, {report['rows']:,} rows / INSERT",
                values=[report["times_the_insert"]],
                unit="x",
                goal=at_most(3.0),
                judged=judged,
            ),
            Figure(
                name=f"{name}, second run / first",
                values=[report["second_of_first"]],
                unit="x",
                goal=at_most(0.10),
                judged=judged,
            ),
            Figure(
                name=f"{name}, memory",
                values=[report["peak_mb"]],
                unit="MB",
                goal=at_most(300),
            ),
        ]


def measure_api(bench: Bench, section: Section) -> None:
    """Run `bench.api` once, on PostgreSQL."""
    from bench.api import MOST_MS

    words = ["--runs=1000000", "--jobs=10000"]
    if bench.quick:
        words = ["--runs=5000", "--jobs=500", "--times=3", "--no-live"]
    found = json.loads(_run("bench.api", *words))
    for name, page in found["pages"].items():
        limit = MOST_MS.get(name)
        section.figures.append(
            Figure(
                name=f"{name}, p95",
                values=[page["p95_ms"]],
                unit="ms",
                goal=None if limit is None else at_most(limit),
                judged=not bench.quick,
                note=f"{page['statements']} statements",
            )
        )
    section.figures += [
        Figure(name=name.replace("_", " "), values=[seconds], unit="s")
        for name, seconds in found.get("live", {}).items()
    ]


def measure_dst_weekend(bench: Bench, section: Section) -> None:
    """Run `bench.dst_weekend` once: what it finds does not depend on the machine."""
    words = ["--zone=Europe/Berlin"] if bench.quick else []
    items: list[dict[str, Any]] = json.loads(_run("bench.dst_weekend", "--json", *words))["items"]
    counts = {
        "jobs over a weekend each": len(items),
        "stock: occurrences never sent": sum(len(one["stock_never_sends"]) for one in items),
        "stock: sent besides": sum(len(one["stock_sends_besides"]) for one in items),
        "stock: most sends in a minute, started just after a change": max(
            one["stock_in_first_minute_when_started_then"] for one in items
        ),
        "ours: most in that minute": max(
            one["ours_in_first_minute_when_started_then"] for one in items
        ),
    }
    section.figures += [
        Figure(name=name, values=[count], unit="") for name, count in counts.items()
    ]


def measure_fill(bench: Bench, section: Section) -> None:
    """Write jobs and runs as the measurements and `python -m bench.fill` do."""
    from bench.fill import fill
    from bench.fill_jobs import fill_jobs
    from schedules.querysets.clock import database_now

    jobs = bench.wish.size(1_000_000, quick=10_000)
    runs = bench.wish.size(100_000, quick=10_000)  # growth and api write a million
    for name, count, write in (
        ("jobs", jobs, lambda: fill_jobs(jobs)),
        ("runs with attempts", runs, lambda: fill(runs=runs, now=database_now())),
    ):
        say(f"writing {count:,} {name}")
        with bench.servers.ours() as url, connected_to(url):
            began = time.monotonic()
            write()
            took = time.monotonic() - began
        goal = at_most(A_MINUTE) if name == "jobs" else None
        section.figures.append(
            Figure(
                name=f"{count:,} {name}",
                values=[took],
                unit="s",
                goal=goal,
                judged=not bench.quick,
            )
        )


def _run(*words: str) -> str:
    """Run one of our programs as from a command line; return the last line or document it wrote."""
    inherited = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    for name in ("DATABASE_URL", "BROKER_URL", "DATA_DIR"):
        inherited.pop(name, None)
    return run([sys.executable, "-m", *words], environment=inherited, fine=FINE)
