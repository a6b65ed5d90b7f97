"""`scheduler calendar`: the days on which jobs may or may not run."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.parser import job_named, one_of
from schedules.models import Calendar
from schedules.operations.calendar_files import MOST_CHARACTERS
from schedules.operations.calendars import (
    create_calendar,
    delete_calendar,
    edit_calendar,
    find_calendar,
    import_dates,
    jobs_by_calendar,
)
from schedules.operations.edit import update_job
from schedules.operations.shapes import calendar_shape
from schedules.querysets.clock import database_now
from schedules.states import DayOff

HELP = """\
List calendars, show one, make, fill, change or delete it, and let jobs go by it.

Without NAME all calendars are listed. The listed dates and weekdays are those on
which jobs do not run, or with --allow the only ones on which they do. A change
reaches the jobs that go by the calendar at once; what is past stays as it was.
One call does one of these things.

examples:
  manage.py scheduler calendar
  manage.py scheduler calendar Holidays --create --weekdays sat,sun --tz Asia/Jakarta
  manage.py scheduler calendar Holidays --import holidays.ics
  manage.py scheduler calendar Holidays --add 2026-12-24,2026-12-31 --reason "office closed"
  manage.py scheduler calendar Holidays --use end_of_day --day-off next_day
  manage.py scheduler calendar Holidays --release end_of_day
  manage.py scheduler calendar Holidays --delete"""

ACTS = ("create", "set", "add", "remove", "import", "use", "release", "delete")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="The calendar.")
    parser.add_argument("--create", action="store_true", help="Make it.")
    parser.add_argument("--set", action="store_true", help="Change what the next three say.")
    parser.add_argument("--weekdays", metavar="DAYS", help="mon to sun, with commas; - for none.")
    parser.add_argument("--tz", metavar="TZ", help="Whose days, for a timetable without a zone.")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--allow", action="store_true", help="The listed days are the only ones.")
    kind.add_argument("--exclude", action="store_true", help="The listed days are left out.")
    parser.add_argument("--add", metavar="DATES", help="Dates such as 2026-12-25, with commas.")
    parser.add_argument("--remove", metavar="DATES", help="The same, to take away.")
    parser.add_argument("--import", metavar="FILE", help="Add the days of an .ics file's events.")
    parser.add_argument("--replace", action="store_true", help="Of --import: drop the others.")
    parser.add_argument("--use", metavar="JOB", help="Let the job go by it.")
    parser.add_argument(
        "--day-off",
        metavar="RULE",
        help="Of --use: skip (the default), or next_day: at the same time of the next allowed day.",
    )
    parser.add_argument("--release", metavar="JOB", help="Let the job go by no calendar.")
    parser.add_argument("--delete", action="store_true", help="Delete it, if no job goes by it.")
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Do the one thing that is asked for, and show what there is then."""
    asked = [act for act in ACTS if options[act]]
    if len(asked) > 1:
        found = ", ".join(f"--{act}" for act in asked)
        raise InvalidInput("arguments", found, "one of them at a time")
    name = options["name"]
    if name is None:
        if asked:
            raise InvalidInput("name", "none", f"the name of the calendar to {asked[0]}")
        return _list(console)
    if asked == ["create"]:
        return _show(create_calendar(name, values=_given(options), **_who(options)), console)
    calendar = find_calendar(name)
    if calendar is None:
        accepted = "the name of a calendar; `scheduler calendar` lists them"
        raise NotFound("calendar", name, accepted)
    if asked == ["delete"]:
        delete_calendar(calendar, **_who(options))
        console.document({"name": name, "deleted": True})
        console.text(f"Calendar {name} is deleted.")
        return ExitCode.OK
    if asked:
        calendar = _change(calendar, asked[0], options)
    return _show(calendar, console)


def _change(calendar: Calendar, act: str, options: dict[str, Any]) -> Calendar:
    who = _who(options)
    if act in ("use", "release"):
        changes: dict[str, Any] = {"calendar": calendar if act == "use" else None}
        rule = one_of(options["day_off"] or DayOff.SKIP, DayOff.values, field="day-off")
        changes["day_off"] = DayOff(rule)
        update_job(job_named(options[act]), changes=changes, **who)
        return calendar
    if act == "import":
        text = _text_of(Path(options["import"]))
        return import_dates(calendar, text, replace=options["replace"], **who)
    if act == "set":
        return edit_calendar(calendar, changes=_given(options), **who)
    dates = [text.strip() for text in options[act].split(",")]
    if act == "add":
        dates = [*calendar.dates, *dates]
    else:
        unknown = next((text for text in dates if text not in calendar.dates), None)
        if unknown is not None:
            raise InvalidInput("remove", unknown, "dates that the calendar has")
        dates = [text for text in calendar.dates if text not in dates]
    return edit_calendar(calendar, changes={"dates": dates}, **who)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if options["weekdays"] is not None:
        text = options["weekdays"]
        given["weekdays"] = [] if text == "-" else [day.strip() for day in text.split(",")]
    if options["tz"] is not None:
        given["timezone"] = options["tz"]
    if options["allow"] or options["exclude"]:
        given["is_allow_list"] = bool(options["allow"])
    return given


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > 4 * MOST_CHARACTERS:
            accepted = f"a file of at most {MOST_CHARACTERS} characters"
            raise InvalidInput("import", str(file), accepted)
        return file.read_bytes().decode(errors="replace")
    except OSError as error:
        accepted = f"a file that can be read ({error.strerror})"
        raise InvalidInput("import", str(file), accepted) from None


def _who(options: dict[str, Any]) -> dict[str, Any]:
    facts = {"by": operator_name(), "source": "cli", "now": database_now()}
    return {**facts, "reason": options["reason"]}


def _list(console: Console) -> ExitCode:
    jobs, calendars = jobs_by_calendar(), list(Calendar.objects.order_by("name"))
    shapes = [calendar_shape(one, jobs=jobs.get(one.pk, [])) for one in calendars]
    console.document({"items": shapes})
    rows = [(shape["name"], _words(shape), str(len(shape["jobs"]))) for shape in shapes]
    if rows:
        console.table(("NAME", "DAYS", "JOBS"), rows)
    else:
        console.text("No calendars: `scheduler calendar NAME --create` makes one.")
    return ExitCode.OK


def _show(calendar: Calendar, console: Console) -> ExitCode:
    shape = calendar_shape(calendar, jobs=jobs_by_calendar().get(calendar.pk, []))
    console.document(shape)
    console.text(f"Calendar {calendar.name}: {_words(shape)}.")
    for day in shape["dates"]:
        console.text(day)
    used = ", ".join(shape["jobs"])
    console.text(f"Used by {used}." if used else "No job goes by it.")
    return ExitCode.OK


def _words(shape: dict[str, Any]) -> str:
    kind = "only" if shape["isAllowList"] else "not"
    count = len(shape["dates"])
    days = [*shape["weekdays"], f"{count} date{'' if count == 1 else 's'}"]
    return f"{kind} on {', '.join(days)} ({shape['timezone']})"
