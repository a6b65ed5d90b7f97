"""`scheduler preview`: what a new or changed timetable would do, before it is saved."""

from argparse import ArgumentParser
from typing import Any

from pydantic import ValidationError

from schedules.api.job_schemas import JobUpdate, as_values
from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.parser import job_named, json_object, whole_number
from schedules.operations.ahead_shapes import preview_shape
from schedules.operations.preview import MOST_LISTED, preview_job
from schedules.querysets.clock import database_now
from schedules.rest.problems import in_json_words

HELP = """\
Show what an edit of a job would do: nothing is saved.

CHANGES is a JSON object with the names of the REST API. Told are the next
occurrences with what changes of the clock do to them; what is added, removed and
moved in the next 30 days and a day around each of the next two changes of the
clock; the first run after saving; overlaps foreseen from how long the job takes;
and the busiest minute of the next 24 hours before and after.

examples:
  manage.py scheduler preview end_of_day '{"cronExpression": "30 23 * * *"}'
  manage.py scheduler preview end_of_day '{"calendar": "Holidays", "dayOff": "next_day"}'
  manage.py scheduler preview --new '{"intervalMinutes": 90}' --count 3 --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("job", nargs="?", metavar="JOB", help="Key or number of a job.")
    parser.add_argument("changes", nargs="?", metavar="CHANGES", help="What would be changed.")
    parser.add_argument("--new", metavar="FIELDS", help="A new job's fields, instead of both.")
    parser.add_argument(
        "--count", default="10", metavar="N", help=f"How many, 1 to {MOST_LISTED}; default 10."
    )
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Show the preview."""
    count = whole_number(options["count"], field="count", least=1, most=MOST_LISTED)
    if (options["job"] is None) == (options["new"] is None):
        raise InvalidInput("arguments", "none", "JOB with CHANGES, or --new FIELDS")
    job = None if options["job"] is None else job_named(options["job"])
    field = "new" if job is None else "changes"
    changes = _values(options["new"] or options["changes"] or "{}", field=field)
    try:
        found = preview_job(job, changes=changes, now=database_now(), count=count)
    except InvalidInput as error:
        raise in_json_words(error) from None
    shape = preview_shape(found)
    console.document(shape)
    for line in _lines(shape):
        console.text(line)
    return ExitCode.OK


def _values(text: str, *, field: str) -> dict[str, Any]:
    try:
        return as_values(JobUpdate.model_validate(json_object(text, field=field)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or field
        raise InvalidInput(place, first.get("input"), first["msg"]) from None


def _lines(shape: dict[str, Any]) -> list[str]:
    lines = [shape["timetable"], *(_occurrence(one) for one in shape["occurrences"])]
    first = shape["firstRunAt"]
    if first:
        lines.append(f"The first run after saving is at {first}.")
    elif shape["isEnabled"]:
        lines.append("It does not run by itself.")
    else:
        lines.append("It is disabled: nothing of this runs until it is enabled.")
    if shape["difference"] is not None:
        lines += _difference(shape["difference"])
    overlaps = shape["overlaps"]
    if overlaps is not None and overlaps["number"]:
        took = overlaps["p95Ms"] / 1000
        lines.append(
            f"{overlaps['number']} occurrences in 30 days come while it would still run (p95"
            f" {took:g} s), the first at {overlaps['first']}."
        )
    before, after = shape["busiestMinute"]["before"], shape["busiestMinute"]["after"]
    if after["at"]:
        lines.append(
            f"The busiest minute of the next 24 hours is {after['at']} with {after['number']} runs,"
            f" now {before['at'] or 'none'} with {before['number']}."
        )
    return lines


def _occurrence(one: dict[str, Any]) -> str:
    mark = f"  {one['mark']}" if one["mark"] else ""
    return f"{one['at']}  {one['local']}{mark}"


def _difference(found: dict[str, Any]) -> list[str]:
    numbers = {name: len(found[name]) for name in ("added", "removed", "moved")}
    counted = ", ".join(f"{number} {name}" for name, number in numbers.items())
    spans = " and ".join(f"{span['begin']} to {span['end']}" for span in found["spans"])
    lines = [f"{counted}, {found['kept']} kept in {spans}:"]
    lines += [f"- {at}" for at in found["removed"]]
    lines += [f"+ {at}" for at in found["added"]]
    lines += [f"~ {one['before']} to {one['after']}" for one in found["moved"]]
    return lines if any(numbers.values()) else [f"Nothing changes in {spans}."]
