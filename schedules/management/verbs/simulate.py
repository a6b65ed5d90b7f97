"""`scheduler simulate`: what a timetable leads to, on a virtual clock."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.parser import instant, whole_number
from schedules.management.verbs.as_code import read
from schedules.operations.simulation.clock import Outage
from schedules.operations.simulation.shapes import simulation_shape
from schedules.operations.simulation.simulate import Simulation, jobs_to_simulate, simulate
from schedules.operations.wording import duration, iso_seconds
from schedules.querysets.clock import database_now

WEEK = timedelta(days=7)
MOST_SECONDS = 86_400

HELP = """\
Try the timetable out on a virtual clock; nothing is written.

The planner's own code decides what is due, the claim's what happens when every slot
of a job is taken. Each run takes as long as half of the job's last successes did at
most (--slow: 95 of 100), or --length where it has never run, and succeeds. With -f the
jobs are those that there would be after `scheduler apply -f`. Single occurrences that
were skipped or moved are taken as the timetable has them. During an --outage no
Beat plans; what was due is found after it, late.

Shown are occurrences by what became of them, the busiest minutes, and how often a
job found every slot taken.

examples:
  manage.py scheduler simulate
  manage.py scheduler simulate --from 2026-01-01T00:00:00Z --to 2027-01-01T00:00:00Z -f jobs.yaml
  manage.py scheduler simulate --outage 2026-03-01T00:00:00Z/2026-03-01T02:00:00Z --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--from", dest="begin", metavar="ISO", help="Default: now.")
    parser.add_argument("--to", dest="end", metavar="ISO", help="Default: a week after --from.")
    parser.add_argument("-f", "--file", metavar="FILE", help="As if this were applied; - is stdin.")
    parser.add_argument("--slow", action="store_true", help="Runs take as long as their p95.")
    parser.add_argument(
        "--length", default="1", metavar="SECONDS", help="Of runs of jobs without one; default 1."
    )
    parser.add_argument(
        "--outage", action="append", default=[], metavar="ISO/ISO", help="Without Beat; repeatable."
    )
    parser.add_argument("--json", action="store_true", help="One JSON document instead of tables.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Simulate, and show what became of the occurrences."""
    now = database_now()
    begin = instant(options["begin"], field="from") if options["begin"] else now
    length = whole_number(
        options["length"], field="length", least=1, most=MOST_SECONDS, unit="seconds"
    )
    jobs = jobs_to_simulate(
        now=now,
        text=read(options["file"]) if options["file"] else None,
        slow=options["slow"],
        usual_length=timedelta(seconds=length),
    )
    simulation = simulate(
        jobs,
        begin=begin,
        end=instant(options["end"], field="to") if options["end"] else begin + WEEK,
        outages=[_outage(text) for text in options["outage"]],
    )
    console.document(simulation_shape(simulation))
    _show(simulation, console)
    return ExitCode.OK


def _outage(text: str) -> Outage:
    since, slash, until = text.partition("/")
    if not slash:
        raise InvalidInput("outage", text, "two instants with / between them")
    return Outage(since=instant(since, field="outage"), until=instant(until, field="outage"))


def _show(simulation: Simulation, console: Console) -> None:
    shapes = simulation_shape(simulation)["items"]
    names = ("occurrences", "ran", "skipped", "missed", "cancelled", "waiting", "slotsExhausted")
    titles = (
        "JOB",
        "EACH TAKES",
        "DUE",
        "RAN",
        "SKIPPED",
        "MISSED",
        "CANCELLED",
        "WAIT",
        "NO SLOT",
    )
    rows = [
        (
            shape["jobKey"],
            duration(lived.job.length) + ("" if lived.job.is_known else " (assumed)"),
            *(str(shape[name]) for name in names),
        )
        for lived, shape in zip(simulation.jobs, shapes, strict=True)
    ]
    console.table(titles, rows)
    for shape in shapes:
        for why in shape["reasons"]:
            console.text(f"{shape['jobKey']}: {why['number']} {why['state']}: {why['reason']}")
    for at, number in simulation.busiest[:5]:
        console.text(f"Busy: {number} begin in the minute of {iso_seconds(at)}.")
    at, number = simulation.most_at_once
    console.text(f"At most {number} run in one minute, first in that of {iso_seconds(at)}.")
