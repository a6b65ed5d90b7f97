"""`scheduler occurrence`: one occurrence of a job, skipped, moved or with other arguments."""

from argparse import ArgumentParser
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.management.parser import instant, job_named, json_object
from schedules.operations.ahead_shapes import change_shape, next_shapes
from schedules.operations.occurrences import (
    change_occurrence,
    restore_occurrence,
    skip_occurrence,
)
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now

HELP = """\
Skip one occurrence of a job, move it, give it other arguments, or take that back.

AT is its nominal time, as `scheduler next JOB` lists it; it keeps that time, and
nothing else of the timetable changes. Without AT the next ten are shown with what
was said about them. What is planned already is refused (exit code 4), except
skipping or restoring an occurrence that was moved to a later time and waits for
it; restored after its own time it runs at once, its misfire grace counting anew.

examples:
  manage.py scheduler occurrence end_of_day
  manage.py scheduler occurrence end_of_day 2026-12-24T16:30:00Z --skip --reason "early closing"
  manage.py scheduler occurrence end_of_day 2026-12-24T16:30:00Z --move-to 2026-12-24T11:00:00Z
  manage.py scheduler occurrence end_of_day 2026-12-24T16:30:00Z --kwargs '{"days": 2}'
  manage.py scheduler occurrence end_of_day 2026-12-24T16:30:00Z --restore"""

SHOWN = 10


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="Key or number of the job.")
    parser.add_argument("at", nargs="?", metavar="AT", help="The occurrence's nominal time.")
    parser.add_argument("--skip", action="store_true", help="Let it end as skipped.")
    parser.add_argument("--move-to", metavar="ISO", help="When it starts instead.")
    parser.add_argument("--kwargs", metavar="JSON", help="Arguments to put over the job's.")
    parser.add_argument("--restore", action="store_true", help="Take back what was said.")
    parser.add_argument("--reason", default="", help="Why; kept with it, and in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Do what is asked for, and show it."""
    job, now = job_named(options["job"]), database_now()
    asked = [name for name in ("skip", "move_to", "kwargs", "restore") if options[name]]
    if options["at"] is None:
        if asked:
            raise InvalidInput("at", "none", "the nominal time of an occurrence")
        return _list(next_shapes(job, now=now, count=SHOWN), console)
    if not asked or (len(asked) > 1 and set(asked) != {"move_to", "kwargs"}):
        found = ", ".join(f"--{name.replace('_', '-')}" for name in asked) or "none"
        accepted = "--skip, --restore, or --move-to and --kwargs, alone or together"
        raise InvalidInput("arguments", found, accepted)
    at = instant(options["at"], field="at")
    who: dict[str, Any] = {"by": operator_name(), "source": "cli", "now": now}
    who["reason"] = options["reason"]
    if options["restore"]:
        starts_at = restore_occurrence(job, at=at, **who)
        at_once = starts_at == now
        when = {"startsAt": iso(starts_at), "isAtOnce": at_once}
        console.document({"scheduledAt": options["at"], "state": "undone", **when})
        words = "it runs at once" if at_once else f"it runs at {iso(starts_at)}"
        console.text(
            f"The occurrence of {job.key} at {options['at']} is as its timetable has it: {words}."
        )
        return ExitCode.OK
    if options["skip"]:
        change = skip_occurrence(job, at=at, **who)
    else:
        to, given = options["move_to"], options["kwargs"]
        change = change_occurrence(
            job,
            at=at,
            moved_to=instant(to, field="move-to") if to else None,
            kwargs=json_object(given, field="kwargs") if given else None,
            **who,
        )
    console.document(change_shape(change))
    console.text(f"The occurrence of {job.key} at {options['at']} is {change.words}.")
    return ExitCode.OK


def _list(shapes: list[dict[str, Any]], console: Console) -> ExitCode:
    console.document({"items": shapes})
    for one in shapes:
        console.text(f"{one['at']}  {one['local']}{_words(one)}")
    return ExitCode.OK


def _words(one: dict[str, Any]) -> str:
    change = one["change"]
    said = [] if one["mark"] is None else [one["mark"]]
    said += ["paused"] if one["isPaused"] else []
    if change is not None:
        did = "skipped" if change["isSkipped"] else "with other arguments"
        did = f"moved to {change['movedTo']}" if change["movedTo"] else did
        reason = f": {change['reason']}" if change["reason"] else ""
        said.append(f"{did} by {change['by']}{reason}")
    return "".join(f"  {words}" for words in said)
