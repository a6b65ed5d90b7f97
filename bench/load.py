"""`./run load meetings`: thousands of meetings end on a real Beat, worker and broker, while things
are killed.

Prints what the ledger, the task results, the business rows and the witness file say, and exits with
1 unless they agree and the promised times are kept.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from project.devstack.stack import Stack

KILLABLE = ("beat", "worker", "child", "broker")
LEAD = timedelta(seconds=3)
QUIET_LIMIT = timedelta(seconds=120)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 if everything held, 1 if not."""
    options = _parser().parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="downbeat-load-") as folder,
        _database(options.database) as database_url,
    ):
        report = measure(options, Path(folder), database_url)
    if options.json:
        print(json.dumps(report))  # noqa: T201 - the result
    else:
        width = max(map(len, report))
        for name, value in report.items():
            print(f"{name:<{width}}  {value}")  # noqa: T201
    return 0 if report["ok"] else 1


def measure(options: argparse.Namespace, folder: Path, database_url: str | None) -> dict[str, Any]:
    """Start the system, load it, and return the figures."""
    witness = folder / "witness"
    witness.touch()
    variables = {
        "LOAD_WITNESS_FILE": str(witness),
        "DJANGO_SETTINGS_MODULE": "bench.load_settings",
        "DATA_DIR": str(folder / "data"),
        "SCHEDULER_RECOVERY_DELAY_SECONDS": "3600",
    }
    if database_url:
        variables["DATABASE_URL"] = database_url
    os.environ.update(variables)
    del os.environ["LOAD_WITNESS_FILE"]  # for the workers only
    from project.devstack.stack import Stack

    with Stack(
        folder / "data",
        database_url=database_url,
        concurrency=options.concurrency,
        variables=variables,
    ) as stack:
        _set_up_django()
        report = _load(options, stack, witness)
        code = stack.stop()
    report["stopped_cleanly"] = code == 0
    report["ok"] = report["ok"] and code == 0
    return report


def _load(options: argparse.Namespace, stack: "Stack", witness: Path) -> dict[str, Any]:
    from bench.meetings import (
        agreement,
        create_meetings,
        park_far_ahead,
        switch_recovery_off,
        wait_for_all,
    )

    switch_recovery_off()
    memory = _memory(stack)
    parked_seconds = park_far_ahead(options.parked) if options.parked else 0.0
    if options.beside_long_job:
        from bench.witness import occupy

        occupy.delay(60.0)
    lead = LEAD + timedelta(seconds=options.count / 2500)
    first_end = datetime.now(UTC) + lead
    span = timedelta(minutes=options.minutes)
    created_in = create_meetings(options.count, first_end=first_end, span=span)
    killer = _Killer(stack, options.kill, at=first_end + span / 2)
    killer.start()
    waited = wait_for_all(options.count, until=first_end + span + QUIET_LIMIT)
    killer.join()
    report = agreement(options.count, witness, killed=options.kill)
    report |= {
        "killed": options.kill or "nothing",
        "kills": killer.done,
        "created_in_seconds": round(created_in, 2),
        "finished_after_last_end_seconds": round((waited - first_end - span).total_seconds(), 2),
        "parked_ahead": options.parked,
        "parked_in_seconds": round(parked_seconds, 2),
        "memory_before_mb": memory,
        "memory_after_mb": _memory(stack),
        "cpu_seconds_since_start": _cpu(stack),
    }
    report["ok"] = report["agree"] and report["none_early"] and _in_time(report, options.kill)
    return report


def _in_time(report: dict[str, Any], killed: str | None) -> bool:
    return bool(killed) or (report["p99_seconds"] <= 1.0 and report["latest_seconds"] <= 2.0)


class _Killer(threading.Thread):
    """Kills one part of the system with -9, in the middle of the load."""

    def __init__(self, stack: "Stack", victim: str | None, *, at: datetime) -> None:
        super().__init__(name="killer", daemon=True)
        self.stack = stack
        self.victim = victim
        self.at = at
        self.done = 0

    def run(self) -> None:
        """Wait for the moment, kill, and wait for the supervisor's new start."""
        if self.victim is None:
            return
        time.sleep(max((self.at - datetime.now(UTC)).total_seconds(), 0))
        if self.victim == "child":
            os.kill(self.stack.children("worker")[0], 9)
        else:
            old = self.stack.kill(self.victim)
            self.stack.wait_restarted(self.victim, old=old)
        self.done += 1


def _cpu(stack: "Stack") -> dict[str, float]:
    """CPU seconds that Beat, the worker's main process and its children have used so far."""
    used = {name: _cpu_of(stack.pids[name]) for name in ("beat", "worker")}
    used["children"] = sum(_cpu_of(pid) for pid in stack.children("worker"))
    return {name: round(seconds, 2) for name, seconds in used.items()}


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(stack: "Stack") -> dict[str, float]:
    """Resident megabytes of Beat and the worker's main process."""
    return {name: _resident(stack.pids[name]) for name in ("beat", "worker")}


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    """Yield the address of the database to load; None for SQLite in the data directory."""
    if kind == "sqlite":
        yield None
        return
    from project.devstack.postgres import Postgres

    with Postgres(durable=True) as server:
        yield server.create_database("load")


def _set_up_django() -> None:
    import django

    django.setup()
    import project.celery  # noqa: F401


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run load", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    meetings = kinds.add_parser("meetings", help="meetings whose ends are spread over some minutes")
    meetings.add_argument("--count", type=int, default=10_000)
    meetings.add_argument("--minutes", type=float, default=1.0)
    meetings.add_argument("--kill", choices=KILLABLE, help="kill -9 this one in the middle")
    meetings.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    meetings.add_argument("--concurrency", type=int, default=2, help="worker processes")
    meetings.add_argument(
        "--parked", type=int, default=0, help="one-offs a year ahead, beside them"
    )
    meetings.add_argument("--beside-long-job", action="store_true", help="while a 60 s job runs")
    meetings.add_argument("--json", action="store_true", help="one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
