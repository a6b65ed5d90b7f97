"""`./run bench [WORK ...]`: measures Downbeat, and beside it the schedulers that others use.

It starts its own servers in a temporary directory and installs the peers in an environment of
their own, once. Each pair is measured in turns, so that a ratio compares what has met the same
machine. Exits with 1 if a work could not be measured or a goal is not met, with 2 on bad input.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.programs import ROOT, ProgramFailed
from bench.report import Section, document, text
from bench.work import QUICK_SIZES, SIZES, Bench, Wish, Work, say

VERSIONS = ("celery", "kombu", "django", "django-celery-beat", "redis", "psycopg")
TURNS, QUICK_TURNS = 3, 1


class UnknownWork(Exception):
    """A work that there is not; the message is the line that a person reads."""


def works() -> dict[str, Work]:
    """Return every work by its name, in the order in which they are run."""
    from bench.works import (
        growth,
        w1_start,
        w2_edit,
        w3_burst,
        w4_end_to_end,
        w5_one_offs,
        w6_idle,
        w7_trigger,
    )
    from bench.works import programs_beside as beside

    listed = [
        Work(name="W1", title=w1_start.TITLE, measure=w1_start.measure),
        Work(name="W2", title=w2_edit.TITLE, measure=w2_edit.measure),
        Work(name="W3", title=w3_burst.TITLE, measure=w3_burst.measure),
        Work(name="W4", title=w4_end_to_end.TITLE, measure=w4_end_to_end.measure),
        Work(name="W5", title=w5_one_offs.TITLE, measure=w5_one_offs.measure),
        Work(name="W6", title=w6_idle.TITLE, measure=w6_idle.measure),
        Work(name="W7", title=w7_trigger.TITLE, measure=w7_trigger.measure),
        Work(name="growth", title=growth.TITLE, measure=growth.measure),
        Work(name="jobs", title=beside.JOBS, measure=beside.measure_jobs),
        Work(name="api", title=beside.API, measure=beside.measure_api),
        Work(name="dst_weekend", title=beside.DST_WEEKEND, measure=beside.measure_dst_weekend),
        Work(name="fill", title=beside.FILL, measure=beside.measure_fill),
    ]
    return {work.name: work for work in listed}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        chosen = choose(options.works)
        if options.list:
            for work in works().values():
                sys.stdout.write(f"{work.name:<12} {work.title}\n")
            return 0
        return _measured(options, chosen)
    except UnknownWork as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        say("stopped; everything is ended and removed")
        return 130


def choose(names: Sequence[str]) -> list[Work]:
    """Return the works of these names, all without one. Raises UnknownWork."""
    known = works()
    by_name = {name.lower(): work for name, work in known.items()}
    for name in names:
        if name.lower() not in by_name:
            raise UnknownWork(f"{name!r} is no work: choose from {', '.join(known)}.")
    return [by_name[name.lower()] for name in names] if names else list(known.values())


def _measured(options: argparse.Namespace, chosen: Sequence[Work]) -> int:
    from bench.servers import Servers
    from project.devstack.broker import NoServer
    from project.devstack.postgres import NoPostgres

    wish = Wish(
        quick=options.quick,
        database=options.database,
        turns=options.turns or (QUICK_TURNS if options.quick else TURNS),
        sizes=options.sizes or (QUICK_SIZES if options.quick else SIZES),
        plans=options.plans,
        cache=Path(os.environ.get("DATA_DIR") or ROOT / "var") / "bench",
    )
    try:
        with Servers(database=wish.database) as servers:
            machine = describe_machine(wish, servers)
            bench = Bench(wish, servers)
            sections = [one(bench, work) for work in chosen]
    except (NoServer, NoPostgres) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    if options.svg:
        from bench.picture import draw

        options.svg.write_text(draw(machine, sections))
    said = json.dumps(document(machine, sections)) if options.json else text(machine, sections)
    sys.stdout.write(f"{said}\n")
    goals = document(machine, sections)["goals"]
    return 1 if goals["not met"] or any(section.error for section in sections) else 0


def one(bench: Bench, work: Work) -> Section:
    """Measure one work. What it cannot measure is said in its section; the others go on."""
    section = Section(name=work.name, title=work.title)
    say(f"{work.name}: {work.title}")
    began = time.monotonic()
    try:
        work.measure(bench, section)
    except ProgramFailed as error:
        section.error = f"not measured: {error}"
        say(section.error)
    except Exception as error:  # noqa: BLE001 - hours of other works must not be lost with it
        section.error = f"not measured: {type(error).__name__}: {str(error)[:200]}"
        traceback.print_exc()
    section.seconds = time.monotonic() - began
    return section


def describe_machine(wish: Wish, servers: Any) -> dict[str, Any]:
    """Return what a reader must know about where it was measured."""
    database = "SQLite" if wish.database == "sqlite" else servers.postgres.version()
    load = os.getloadavg()[1]
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load before": f"{load:.1f} processes over five minutes; on a quiet machine about 0",
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS),
        "database": f"{database}, durable; the peers on PostgreSQL",
        "broker": f"Valkey {servers.redis.info('server').get('valkey_version', '')}",
        "turns": wish.turns,
        "quick": "yes: small sizes, which keep no goal" if wish.quick else "no",
    }


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    first, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=first.partition(": ")[2],
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("works", nargs="*", metavar="WORK", help="see --list; all without one")
    parser.add_argument("--list", action="store_true", help="say what there is, measure nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="all of it in three minutes: one turn of each pair, no size above 10,000, no growth"
        " of W3; its figures keep no goal",
    )
    parser.add_argument("--turns", type=_count, help=f"of each pair ({TURNS}; quick {QUICK_TURNS})")
    parser.add_argument("--sizes", type=_sizes, help="for growth, such as 1000,10000")
    parser.add_argument("--plans", action="store_true", help="print the query plans at each size")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios there")
    return parser


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r}: write a whole number, 1 or more")
    return int(given)


def _sizes(given: str) -> list[int]:
    return [_count(part.replace("_", "")) for part in given.split(",")]


if __name__ == "__main__":
    sys.exit(main())
