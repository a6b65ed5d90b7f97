"""`scheduler next`: when a job, or a cron expression, runs next."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from schedules.errors import InvalidInput, JobInvalid
from schedules.management.console import Console, ExitCode
from schedules.management.parser import LONGEST_COUNT, instant, job_named, one_of, whole_number
from schedules.models import Job
from schedules.operations.ahead_shapes import change_shape, marked_shapes
from schedules.operations.upcoming import changes_ahead, paused_then
from schedules.operations.wording import iso
from schedules.timing import Cron, DayRule, Timetable, from_spec, marked, occurrences, zone_of

HELP = """\
List the next occurrences of a job or of a cron expression.

With --cron nothing is looked up: it works without a database. The occurrences
are strictly later than --after: in UTC, on the clock of the zone, and with what
a change of the clock does to them. When the clocks go forward, a time that
does not exist runs at the first minute after the gap; when they go back, a fixed
time runs once and a field that begins with * in both passes.

examples:
  manage.py scheduler next end_of_day --count 3
  manage.py scheduler next --cron '30 2 * * *' --tz Europe/Berlin \\
      --after 2026-03-28T12:00:00Z --count 2 --json"""

TAKEN = "JOB (the key or number of a job), or --cron EXPR"


class NothingNamed(InvalidInput):
    """Neither a job nor an expression was given."""

    def __str__(self) -> str:
        return f"`scheduler next` takes {self.accepted}; `scheduler next --help` has examples."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", nargs="?", metavar="JOB", help="Key or number of a job.")
    parser.add_argument("--cron", metavar="EXPR", help="A cron expression instead of a job.")
    parser.add_argument("--tz", metavar="TZ", help="IANA zone of --cron; default UTC.")
    parser.add_argument(
        "--day-rule",
        metavar="RULE",
        help="Of --cron with both day fields: any (the default; one match is enough) or all.",
    )
    parser.add_argument("--after", metavar="ISO", help="Instant to start after; default now.")
    parser.add_argument(
        "--count", default="5", metavar="N", help=f"How many, 1 to {LONGEST_COUNT}; default 5."
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help='{"occurrences": ["…Z", …], "items": [{"at", "local", "mark"}, …]}.',
    )


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the occurrences; fewer than asked for when the timetable ends."""
    count = whole_number(options["count"], field="count", least=1, most=LONGEST_COUNT)
    if options["after"] is None:
        # This machine's clock: there may be no database to ask.
        after = datetime.fromtimestamp(time.time(), UTC)
    else:
        after = instant(options["after"], field="after")
    timetable, job = _timetable(options)
    zone = zone_of(timetable)
    changes = {} if job is None else changes_ahead(job, now=after)
    # What was moved to a later time is still to come when its own has passed.
    waiting = [(at, None) for at in sorted(changes) if at <= after]
    found = marked(timetable, occurrences(timetable, after=after, count=count), after=after)
    shapes = marked_shapes(islice(chain(waiting, found), count), zone=zone)
    said = {iso(at): row for at, row in changes.items()}
    if job is not None:
        is_paused = paused_then(job)
        for one in shapes:
            change = said.get(one["at"])
            one["isPaused"] = is_paused(datetime.fromisoformat(one["at"]), change)
            one["change"] = change_shape(change) if change else None
    console.document({"occurrences": [one["at"] for one in shapes], "items": shapes})
    for one in shapes:
        local = "" if zone == "UTC" else one["local"]
        words = said[one["at"]].words if one["at"] in said else ""
        paused = "paused" if one.get("isPaused") else ""
        console.text("  ".join(filter(None, (one["at"], local, one["mark"], words, paused))))
    if not shapes:
        console.note(f"It never runs again after {iso(after)}.")
    return ExitCode.OK


def _timetable(options: dict[str, Any]) -> tuple[Timetable, Job | None]:
    job, cron = options["job"], options["cron"]
    if job is None and cron is None:
        raise NothingNamed("arguments", "none", TAKEN)
    if job is not None and cron is not None:
        raise InvalidInput("job", f"{job} beside --cron", f"one of the two: {TAKEN}")
    if cron is not None:
        rule = one_of(options["day_rule"] or "any", ("any", "all"), field="dayRule")
        day_rule: DayRule = "all" if rule == "all" else "any"
        return Cron(cron, tz=options["tz"] or "UTC", day_rule=day_rule), None
    for name in ("tz", "day_rule"):
        if options[name] is not None:
            raise InvalidInput(name.replace("_", "-"), options[name], "used with --cron only")
    found_job = job_named(job)
    if found_job.timetable is None:
        raise JobInvalid(found_job.key, found_job.invalid_reason or "it has no timetable.")
    return from_spec(found_job.timetable), found_job
