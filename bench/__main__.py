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

from bench.kept import (
    NothingKept,
    around_marks,
    check_writable,
    keep,
    put_into,
    read,
    table,
)
from bench.programs import ROOT, ProgramFailed
from bench.report import Section, document, text
from bench.work import QUICK_SIZES, SIZES, Bench, Wish, Work, say

VERSIONS = ("celery", "kombu", "django", "django-celery-beat", "redis", "psycopg")
TURNS, QUICK_TURNS = 3, 1
QUICK_IS = (
    "yes: one turn of small sizes, which keep no goal; growth without bursts and idling, W4 without"
    " plain Celery on our transport; without a name no jobs, api, dst_weekend, fill"
)


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
        Work(name="W1", title=w1_start.TITLE, measure=w1_start.measure, minutes=(5, 0.3)),
        Work(name="W2", title=w2_edit.TITLE, measure=w2_edit.measure, minutes=(4, 0.6)),
        Work(name="W3", title=w3_burst.TITLE, measure=w3_burst.measure, minutes=(11, 0.8)),
        Work(name="W4", title=w4_end_to_end.TITLE, measure=w4_end_to_end.measure, minutes=(5, 0.5)),
        Work(name="W5", title=w5_one_offs.TITLE, measure=w5_one_offs.measure, minutes=(2, 0.2)),
        Work(name="W6", title=w6_idle.TITLE, measure=w6_idle.measure, minutes=(4, 0.2)),
        Work(name="W7", title=w7_trigger.TITLE, measure=w7_trigger.measure, minutes=(1, 0.2)),
        Work(name="growth", title=growth.TITLE, measure=growth.measure, minutes=(9, 0.2)),
    ]
    listed += [
        Work(name=name, title=title, measure=measure, minutes=minutes, beside=True)
        for name, title, measure, minutes in (
            ("jobs", beside.JOBS, beside.measure_jobs, (3, 0.2)),
            ("api", beside.API, beside.measure_api, (3, 0.2)),
            ("dst_weekend", beside.DST_WEEKEND, beside.measure_dst_weekend, (1, 0.1)),
            ("fill", beside.FILL, beside.measure_fill, (3, 0.1)),
        )
    ]
    return {work.name: work for work in listed}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        chosen = choose(options.works, quick=options.quick)
        if options.list:
            for work in works().values():
                sys.stdout.write(f"{work.name:<12} {work.title}\n")
            return 0
        # Before half an hour of measuring.
        if options.into:
            around_marks(options.into)
        for path in filter(None, (options.svg, options.save)):
            check_writable(path)
        if options.kept:
            machine, sections = read(options.kept)
            names = [work.name for work in chosen]
            _tell(options, machine, [section for section in sections if section.name in names])
            return 0
        return _measured(options, chosen)
    except (UnknownWork, NothingKept) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def choose(names: Sequence[str], *, quick: bool = False) -> list[Work]:
    """Return the works of these names, without one all for which there is time.

    Raises UnknownWork.
    """
    known = works()
    if not names:
        return [work for work in known.values() if not quick or not work.beside]
    by_name = {name.lower(): work for name, work in known.items()}
    for name in names:
        if name.lower() not in by_name:
            raise UnknownWork(f"{name!r} is no work: choose from {', '.join(known)}.")
    return [by_name[name.lower()] for name in names]


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
    kept = options.save or wish.cache / "measured.json"
    machine: dict[str, Any] = {}
    sections: list[Section] = []
    code = 0
    try:
        with Servers(database=wish.database, cache=wish.cache) as servers:
            machine = describe_machine(wish, servers)
            bench = Bench(wish, servers)
            for place, work in enumerate(chosen):
                say(progress(chosen[place:], of=len(chosen), wish=wish))
                sections.append(one(bench, work))
                keep(kept, machine, sections)
    except (NoServer, NoPostgres) as error:
        sys.stderr.write(f"bench: {error}\n")
        code = 1
    except KeyboardInterrupt:
        say("stopped; everything is ended and removed")
        code = 130
    if sections:
        say(f"what was measured is in {kept}; --from {kept} shows it again")
        _tell(options, machine, sections)
    goals = document(machine, sections)["goals"]
    failed = goals["not met"] or any(section.error for section in sections)
    return code or int(bool(failed))


def progress(left: Sequence[Work], *, of: int, wish: Wish) -> str:
    """Return which of all works comes next, and how long it and what is left may take."""
    minutes = [work.expected_minutes(wish) for work in left]
    this, rest = minutes[0], sum(minutes)
    return (
        f"{left[0].name} ({of - len(left) + 1} of {of}): {left[0].title}; about"
        f" {this:.1f} min, all that is left {rest:.0f} min"
    )


def _tell(options: argparse.Namespace, machine: dict[str, Any], sections: list[Section]) -> None:
    """Print the report in the form that was asked for; draw and write where it was asked."""
    if options.svg:
        from bench.picture import draw

        options.svg.write_text(draw(machine, sections))
    if options.into:
        put_into(options.into, table(machine, sections), picture=options.svg)
    if options.json:
        said = json.dumps(document(machine, sections))
    else:
        said = (table if options.table else text)(machine, sections)
    sys.stdout.write(f"{said}\n")


def one(bench: Bench, work: Work) -> Section:
    """Measure one work. What it cannot measure is said in its section; the others go on."""
    section = Section(name=work.name, title=work.title)
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
    is_this = servers.beats_python == Path(sys.executable)
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load before": f"{load:.1f} processes over five minutes; on a quiet machine about 0",
        "python": platform.python_version(),
        "packages of our Beat": "those of development" if is_this else "those of the image",
        "versions": ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS),
        "database": f"{database}, durable; the peers on PostgreSQL",
        "broker": f"Valkey {servers.redis.info('server').get('valkey_version', '')}",
        "turns": wish.turns,
        "quick": QUICK_IS if wish.quick else "no",
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
        help="W1 to W7 and growth in three minutes: one turn of each pair, no size above 10,000;"
        " its figures keep no goal",
    )
    parser.add_argument("--turns", type=_count, help=f"of each pair ({TURNS}; quick {QUICK_TURNS})")
    parser.add_argument("--sizes", type=_sizes, help="for growth, such as 1000,10000")
    parser.add_argument("--plans", action="store_true", help="print the query plans at each size")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios there")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write the figures there as JSON whenever a work ends (var/bench/measured.json)",
    )
    parser.add_argument(
        "--from",
        dest="kept",
        type=Path,
        action="append",
        metavar="FILE",
        help="measure nothing, show what that file has; of several, the last that has a work",
    )
    parser.add_argument("--table", action="store_true", help="goals and ratios as Markdown")
    parser.add_argument(
        "--into",
        type=Path,
        metavar="PAGE",
        help="put that table, and the picture of --svg, between the two marks of a page",
    )
    return parser


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r}: write a whole number, 1 or more")
    return int(given)


def _sizes(given: str) -> list[int]:
    return [_count(part.replace("_", "")) for part in given.split(",")]


if __name__ == "__main__":
    sys.exit(main())
