"""`python -m bench.jobs [NAME ...]`: the jobs of the business over many rows, against the bare bulk
INSERT of the same rows.

Each is measured in a process and a database of its own, in one run: what a ratio compares has met
the same machine. Exits with 1 where a job takes more than three times the INSERT, its second run
more than a tenth of the first, the process more than 300 MB, or a row is missing.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.job_loads import Load
    from schedules.models import Run

NAMES = ("attendance", "sessions", "punches", "meetings")
MOST_TIMES_THE_INSERT = 3.0
MOST_OF_THE_FIRST = 0.10
MOST_MEGABYTES = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if every limit is kept, 1 if not."""
    options = _parser().parse_args(arguments)
    if options.here:
        _set_up_django()
        sys.stdout.write(json.dumps(measure(options.names[0], options.scale)) + "\n")
        return 0
    reports = [_in_a_process(name, options) for name in options.names or NAMES]
    if options.json:
        sys.stdout.write(json.dumps(reports) + "\n")
    else:
        _print_table(reports)
    return 0 if all(report["ok"] for report in reports) else 1


def measure(name: str, scale: float = 1.0) -> dict[str, Any]:
    """Measure one job in the database of this process, which must be empty."""
    from bench.job_loads import LOADS

    kind = LOADS[name]
    load = kind(max(1, round(kind.subjects * scale)))
    load.prepare()
    insert_seconds, inserted = _timed(load.insert)
    load.clear()
    first = _run(load)
    second = _run(load)
    report = {
        "job": name,
        "subjects": load.count,
        "rows": load.written(),
        "insert_seconds": round(insert_seconds, 2),
        "inserted_rows": inserted,
        "first_seconds": round(first["seconds"], 2),
        "second_seconds": round(second["seconds"], 2),
        "times_the_insert": round(first["seconds"] / insert_seconds, 2),
        "second_of_first": round(second["seconds"] / first["seconds"], 3),
        "first_statements": first["watch"].statements,
        "second_statements": second["watch"].statements,
        "progress_reports": first["watch"].progress_reports,
        "longest_transaction_ms": first["watch"].longest_ms,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "message": first["run"].summary,
    }
    report["ok"] = _is_within(report, load, first["run"], second["run"])
    return report


def _is_within(report: dict[str, Any], load: "Load", *runs: "Run") -> bool:
    return (
        all(run.state == "succeeded" for run in runs)
        and report["rows"] == load.expected()
        and report["times_the_insert"] <= MOST_TIMES_THE_INSERT
        and report["second_of_first"] <= MOST_OF_THE_FIRST
        and report["peak_mb"] <= MOST_MEGABYTES
    )


def _run(load: "Load") -> dict[str, Any]:
    """Run the job as a worker's child does, with claim and ending, and count its statements."""
    from django.db import connection

    from bench.job_loads import AT
    from schedules.testing import execute

    watch = _Watch()
    with connection.execute_wrapper(watch), watch.seeing_commits(connection):
        seconds, run = _timed(lambda: execute(load.task, scheduled_at=AT))
    return {"seconds": seconds, "run": run, "watch": watch}


class _Watch:
    """Counts the statements of a run, and times its longest transaction."""

    def __init__(self) -> None:
        self.statements = 0
        self.progress_reports = 0
        self.longest_ms = 0
        self._began: float | None = None

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement; the first of a transaction begins it."""
        self.statements += 1
        self.progress_reports += '"progress"' in sql[:60]
        if self._began is None and context["connection"].in_atomic_block:
            self._began = time.perf_counter()
        return execute(sql, params, many, context)

    @contextmanager
    def seeing_commits(self, connection: Any) -> Iterator[None]:
        """Notice when the transactions of the connection end."""
        plain = connection.commit

        def commit() -> None:
            plain()
            if self._began is not None:
                held = time.perf_counter() - self._began
                self.longest_ms = max(self.longest_ms, round(held * 1000))
            self._began = None

        connection.commit = commit
        try:
            yield
        finally:
            connection.commit = plain


def _timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _in_a_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="downbeat-bench-") as folder,
        _database(options.database, Path(folder)) as address,
    ):
        variables = {**os.environ, "DATA_DIR": folder, "DATABASE_URL": address}
        for words in (
            ["manage.py", "migrate", "--verbosity=0"],
            ["-m", "bench.jobs", "--here", name, f"--scale={options.scale}"],
        ):
            done = subprocess.run(  # noqa: S603 - our own programs, with fixed arguments
                [sys.executable, *words], env=variables, stdout=subprocess.PIPE, check=True
            )
    return {**json.loads(done.stdout.splitlines()[-1]), "database": options.database}


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the address of an empty database, durable as in production."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    from project.devstack.postgres import Postgres

    with Postgres(durable=True) as server:
        yield server.create_database("bench")


def _set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()


def _print_table(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        sys.stdout.write(
            f"{report['job']:<10} {report['subjects']:>9} subjects {report['rows']:>9} rows"
            f"  insert {report['insert_seconds']:>7} s  first {report['first_seconds']:>7} s"
            f" ({report['times_the_insert']} times)  second {report['second_seconds']:>6} s"
            f" ({report['second_of_first']:.1%})  {report['peak_mb']} MB"
            f"  {report['first_statements']} statements"
            f"  longest transaction {report['longest_transaction_ms']} ms"
            f"  {'ok' if report['ok'] else 'NOT OK'}\n"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=str(NAMES))
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the full size")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
