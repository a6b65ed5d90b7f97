"""`scheduler import`: jobs of APScheduler, of `beat_schedule` or of django-celery-beat."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.operations.importing.apscheduler import read_store
from schedules.operations.importing.beat_database import read_beat_database
from schedules.operations.importing.beat_schedule import read_beat_schedule
from schedules.operations.importing.carry import CREATED, EXISTS, LEFT, Carried, import_jobs
from schedules.operations.importing.found import Found
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now

KINDS = ("apscheduler", "beat-schedule", "django-celery-beat")

HELP = """\
Import the jobs of another scheduler; begin with --dry-run, which changes nothing.

  apscheduler         a job store of APScheduler 3: the path of its SQLite file or a
                      postgresql:// address; the table is that of its SQLAlchemy
                      store or of django-apscheduler
  beat-schedule       Celery's beat_schedule: MODULE, MODULE:ATTRIBUTE or FILE.json,
                      with PYTHONPATH where the module is not found; crontabs are in
                      the zone of its app or module; of a Django project that
                      has its settings name these, such as shop.settings
  django-celery-beat  a database with the tables of django-celery-beat

Each job keeps its id as its key, except that 12 becomes job-12, since 12 would be
the number of a job. A key that is there already is left alone, so a second import
does no harm. APScheduler counts weekdays from Monday as 0; they are
converted, and both day fields must match as they did there. A job runs the
declared task with the same name, or the one that --task says. What cannot be
carried over is listed with its reason, and the exit code is 1 then.

APScheduler's pickles are read by a process without credentials, in which nothing
exists but the classes of APScheduler's triggers. A Python module is imported.

examples:
  manage.py scheduler import apscheduler scheduler_jobs.db --dry-run
  manage.py scheduler import apscheduler jobs.db --task app.jobs:tick=sync_attendance_logs
  manage.py scheduler import beat-schedule shop.celery:app.conf.beat_schedule --json
  manage.py scheduler import django-celery-beat postgresql://reader@db/old --dry-run"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kind", metavar="KIND", choices=KINDS, help=", ".join(KINDS))
    parser.add_argument("origin", metavar="SOURCE", help="Where the jobs are.")
    parser.add_argument("--dry-run", action="store_true", help="Say what would be done.")
    parser.add_argument(
        "--task",
        action="append",
        default=[],
        metavar="NAME=KEY",
        help="The declared task that stands for a task or function of the source; repeatable.",
    )
    parser.add_argument("--table", metavar="NAME", help="Of apscheduler: the name of its table.")
    parser.add_argument(
        "--tz",
        metavar="ZONE",
        help="Of beat-schedule: the zone of its crontabs; its app's or module's own.",
    )
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Import, and say of each job what became of it."""
    now = database_now()
    carried = import_jobs(
        _read(options, now=now),
        by=operator_name(),
        source="cli",
        now=now,
        reason=options["reason"] or f"imported from {options['kind']}",
        tasks=_chosen_tasks(options["task"]),
        dry_run=options["dry_run"],
    )
    numbers = Counter(each.outcome for each in carried)
    console.document(
        {
            "dryRun": options["dry_run"],
            "created": numbers[CREATED],
            "exists": numbers[EXISTS],
            "notCarried": numbers[LEFT],
            "items": [_shape(each) for each in carried],
        }
    )
    _show(carried, console, dry_run=options["dry_run"])
    return ExitCode.PROBLEM if numbers[LEFT] else ExitCode.OK


def _read(options: dict[str, Any], *, now: datetime) -> list[Found]:
    source = options["origin"]
    for name, kind in (("table", "apscheduler"), ("tz", "beat-schedule")):
        if options[name] and options["kind"] != kind:
            raise InvalidInput(name, options[name], f"used with {kind} only")
    if options["kind"] == "apscheduler":
        return read_store(source, table=options["table"])
    if options["kind"] == "beat-schedule":
        return read_beat_schedule(source, tz=options["tz"], now=now)
    return read_beat_database(source, now=now)


def _chosen_tasks(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, sign, key in pairs:
        if not (name and sign and key):
            raise InvalidInput("task", f"{name}{sign}{key}", "NAME=KEY, such as app.jobs:tick=tick")
    return {name: key for name, _, key in pairs}


def _shape(each: Carried) -> dict[str, Any]:
    job = each.job
    return {
        "name": each.name,
        "outcome": each.outcome,
        "reason": each.reason,
        "taskKey": each.task,
        "timetable": each.timetable,
        "isEnabled": None if job is None else job.is_enabled,
        "nextRunAt": iso(job.next_run_at) if job is not None and job.next_run_at else None,
        "remarks": list(each.remarks),
    }


def _show(carried: Sequence[Carried], console: Console, *, dry_run: bool) -> None:
    words = {CREATED: "would be created" if dry_run else "created", EXISTS: "exists", LEFT: "LEFT"}
    for each in carried:
        about = each.reason or f"{each.task}, {each.timetable}"
        console.text(f"{words[each.outcome]:<17} {each.name}: {about}")
        for remark in each.remarks:
            console.text(f"{'':<17}   {remark}")
    if not carried:
        console.text("The source holds no jobs.")
