"""`scheduler status`: is it running, and what is there."""

from argparse import ArgumentParser
from typing import Any

from schedules.health import Health, Overall, Part, check_health
from schedules.management.console import Console, ExitCode
from schedules.operations.instances import life_of
from schedules.operations.shapes import status_shape
from schedules.operations.status import NEVER, scheduler_status
from schedules.operations.wording import iso_seconds, mark_of, relative
from schedules.querysets.clock import database_now

HELP = """\
Say whether the scheduler runs, and who is there.

Shows database, Beat and broker, the number of jobs and runs, and every Beat and
worker with its last heartbeat. Exit code 1 when something is down.

examples:
  manage.py scheduler status
  manage.py scheduler status --json | jq .isRunning"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the status; a problem when anything is down."""
    health = check_health()
    if health.database is not Part.OK:
        console.document({"isRunning": False, "health": health.as_dict()})
        _say_health(health, console, heard="")
        return ExitCode.PROBLEM
    now = database_now()
    status = scheduler_status(now=now)
    console.document({**status_shape(status), "health": health.as_dict()})
    heard = "never" if status.last_heartbeat == NEVER else relative(status.last_heartbeat, now=now)
    _say_health(health, console, heard=f", last heard of {heard}")
    console.text(
        f"jobs       {status.total_jobs}, of which {status.enabled_jobs} enabled"
        + (f", {status.invalid_jobs} invalid" if status.invalid_jobs else "")
    )
    console.text(f"runs       {status.running_runs} running, {status.parked_runs} one-offs parked")
    console.text("")
    if status.instances:
        rows = [
            (
                instance.kind,
                instance.name,
                mark_of(life_of(instance, now=now)).word,
                iso_seconds(instance.heartbeat_at),
                relative(instance.heartbeat_at, now=now),
                instance.host,
                str(instance.pid),
            )
            for instance in status.instances
        ]
        console.table(("KIND", "NAME", "STATE", "HEARTBEAT", "", "HOST", "PID"), rows)
    else:
        console.text("No Beat or worker was ever here: start them with ./run up.")
    return ExitCode.OK if health.status is Overall.OK else ExitCode.PROBLEM


def _say_health(health: Health, console: Console, *, heard: str) -> None:
    console.text(f"scheduler  {health.status}")
    console.text(f"database   {health.database}")
    console.text(f"Beat       {health.beat}{heard}")
    console.text(f"broker     {health.broker}")
