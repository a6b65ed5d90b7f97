"""`scheduler backfill`: running a job for what lies in the past, and following or ending that."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from schedules.errors import InvalidInput, Refused
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.parser import instant, job_named, one_of, whole_number
from schedules.models import Backfill, Job
from schedules.operations.backfill import (
    Chosen,
    backfills_of,
    cancel_backfill,
    choose,
    create_backfill,
    find_backfill,
    progress_of,
)
from schedules.operations.shapes import backfill_shape
from schedules.operations.wording import iso, iso_seconds
from schedules.querysets.clock import database_now
from schedules.states import Which

HELP = """\
Run a job for past occurrences, each for its own nominal time.

Without --from the job's backfills are listed with their progress. --to is now unless
said otherwise. --which chooses what never ran (missed, the default; for whatever
reason), what failed, or all. Beat plans the runs, at most --at-once at a time; the
timetable goes on beside them and goes first. --dry-run lists what would run.
--cancel ends a backfill: what waits of it is cancelled, what runs goes on.

examples:
  manage.py scheduler backfill create_attendance --from 2026-03-01T00:00:00Z --dry-run
  manage.py scheduler backfill create_attendance --from 2026-03-01T00:00:00Z \\
      --to 2026-03-08T00:00:00Z --which all --newest-first --reason "new rule"
  manage.py scheduler backfill create_attendance --json
  manage.py scheduler backfill create_attendance --cancel ID"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", metavar="JOB", help="Key or number of the job.")
    parser.add_argument("--from", dest="first", metavar="ISO", help="Begin, included.")
    parser.add_argument("--to", dest="last", metavar="ISO", help="End, included; default now.")
    parser.add_argument("--which", default="missed", metavar="WHICH", help="missed, failed or all.")
    parser.add_argument("--newest-first", action="store_true", help="Instead of oldest first.")
    parser.add_argument(
        "--at-once",
        default="1",
        metavar="N",
        help="1 to 10, at most the job's maxInstances; default 1.",
    )
    parser.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="A second call with it and the same --to makes nothing new.",
    )
    parser.add_argument("--dry-run", action="store_true", help="Say what would run.")
    parser.add_argument("--cancel", metavar="ID", help="End this backfill.")
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """List, make or cancel backfills."""
    job, now = job_named(options["job"]), database_now()
    if options["cancel"]:
        return _cancel(job, options, console, now=now)
    if options["first"] is None:
        for name in ("last", "dry_run"):
            if options[name]:
                raise InvalidInput("from", "none", "the begin of the range")
        return _show(backfills_of(job), console, are_listed=True)
    values: dict[str, Any] = {
        "first": instant(options["first"], field="from"),
        "last": instant(options["last"], field="to") if options["last"] else now,
        "which": Which(one_of(options["which"], Which.values, field="which")),
        "newest_first": options["newest_first"],
        "now": now,
    }
    if options["dry_run"]:
        return _preview(choose(job, **values), console)
    backfill = create_backfill(
        job,
        **values,
        at_once=whole_number(options["at_once"], field="at-once", least=1, most=10),
        by=operator_name(),
        source="cli",
        reason=options["reason"],
        idempotency_key=options["idempotency_key"],
    )
    return _show([backfill], console)


def _preview(chosen: Sequence[Chosen], console: Console) -> ExitCode:
    items = [{"scheduledAt": iso(each.at), "stood": each.stood} for each in chosen]
    console.document({"dryRun": True, "total": len(chosen), "items": items})
    for each in chosen:
        console.text(f"{iso_seconds(each.at)}  {each.stood}")
    console.text(f"{len(chosen)} occurrences would run.")
    return ExitCode.OK


def _cancel(job: Job, options: dict[str, Any], console: Console, *, now: datetime) -> ExitCode:
    try:
        found = find_backfill(UUID(options["cancel"]))
    except ValueError:
        found = None
    if found is None or found.job_id != job.pk:
        raise NotFound("cancel", options["cancel"], f"the id of a backfill of {job.key}")
    if not cancel_backfill(
        found, by=operator_name(), source="cli", now=now, reason=options["reason"]
    ):
        raise Refused(f"Backfill {found.pk} has ended already: {found.state}.")
    return _show([found], console)


def _show(backfills: Sequence[Backfill], console: Console, *, are_listed: bool = False) -> ExitCode:
    progress = progress_of(backfills)
    shapes = [backfill_shape(each, progress[each.pk]) for each in backfills]
    console.document({"items": shapes} if are_listed else shapes[0])
    titles = ("BACKFILL", "STATE", "FROM", "TO", "WHICH", "TOTAL", "OK", "FAILED", "NOT RUN")
    rows = [
        (
            shape["id"],
            shape["state"],
            iso_seconds(each.first),
            iso_seconds(each.last),
            shape["which"],
            *(str(shape[name]) for name in ("total", "succeeded", "failed", "neverRan")),
        )
        for each, shape in zip(backfills, shapes, strict=True)
    ]
    if rows:
        console.table(titles, rows)
    else:
        console.text("This job has no backfills.")
    return ExitCode.OK
