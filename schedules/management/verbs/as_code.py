"""`scheduler export`, `plan` and `apply`: all jobs as one file, and what a file would change."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode
from schedules.management.operator import operator_name
from schedules.operations.as_code.apply import apply_file
from schedules.operations.as_code.export import export_jobs
from schedules.operations.as_code.plan import Action, Change, Plan, plan_file
from schedules.operations.as_code.shapes import plan_shape
from schedules.operations.as_code.text import MOST_CHARACTERS
from schedules.operations.wording import iso_seconds
from schedules.querysets.clock import database_now

EXPORT = """\
Write all jobs as YAML, for `scheduler plan` and `scheduler apply`.

Put back as it is, the file changes nothing. A field that is left out has the default
that its task declares. Single dates that are past are left out; a job that cannot run
as it stands is named under `leave`, and no file touches it.

examples:
  manage.py scheduler export > jobs.yaml
  manage.py scheduler export --json | jq -r .file"""

PLAN = """\
Say what applying a file would change; change nothing.

Three things are compared: the file, the database, and what the file said when it was
last applied. What an operator has changed since then stays, and is listed; with
--replace-overrides the file wins. For changed timetables the occurrences of the next
30 days are compared. Exit code 0: nothing to change; 2: changes are pending; 1: the file
is wrong, with the line.

examples:
  manage.py scheduler plan -f jobs.yaml
  git show main:jobs.yaml | manage.py scheduler plan -f - --json"""

APPLY = """\
Make the jobs as a file says: all of it or nothing, with one entry in the audit record.

`scheduler plan` shows the same before. A job that was in the file and is no more is
disabled, never deleted; with `unlisted: disable` in the file this holds for every job.

examples:
  manage.py scheduler apply -f jobs.yaml --reason "spring timetable"
  manage.py scheduler apply -f jobs.yaml --replace-overrides --json"""

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DISABLE: "-", Action.KEEP: "="}


def _add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="One JSON document instead of text.")


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument("-f", "--file", required=True, metavar="FILE", help="A file; - is stdin.")
    parser.add_argument(
        "--replace-overrides", action="store_true", help="The file wins over an operator's edits."
    )
    _add_json(parser)


def _add_apply(parser: ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument("--reason", default="", help="Why; kept in the audit record.")


def _export(options: dict[str, Any], console: Console) -> ExitCode:
    text = export_jobs()
    console.document({"file": text})
    console.file(text)
    return ExitCode.OK


def _plan(options: dict[str, Any], console: Console) -> ExitCode:
    try:
        plan = plan_file(
            read(options["file"]),
            now=database_now(),
            replace_overrides=options["replace_overrides"],
        )
    except InvalidInput as error:
        console.refusal(error)
        return ExitCode.PROBLEM  # 2 says that changes are pending
    _show(plan, console, done=False)
    return ExitCode.BAD_INPUT if plan.pending else ExitCode.OK


def _apply(options: dict[str, Any], console: Console) -> ExitCode:
    plan = apply_file(
        read(options["file"]),
        by=operator_name(),
        source="cli",
        now=database_now(),
        reason=options["reason"],
        replace_overrides=options["replace_overrides"],
    )
    _show(plan, console, done=True)
    return ExitCode.OK


def read(name: str) -> str:
    """Return the text of a file, or of stdin for "-". Raises InvalidInput."""
    try:
        if name == "-":
            return sys.stdin.read(MOST_CHARACTERS + 1)
        with Path(name).open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidInput("file", name, f"a file that can be read ({reason})") from None


def _show(plan: Plan, console: Console, *, done: bool) -> None:
    console.document(plan_shape(plan))
    for change in plan.changes:
        console.text(f"{SIGNS[change.action]} {change.key}: {_words(change)}")
        for each in change.differences:
            console.text(f"    {each.name}: {_short(each.database)} -> {_short(each.file)}")
        for each in change.overrides:
            word = "conflict" if each.is_conflict else "override"
            stays = f"{_short(each.database)} stays, the file says {_short(each.file)}"
            console.text(f"    {word} of {each.name}: {stays}")
        _show_effect(change, console)
    verb = "changed" if done else "to be changed"
    number = "1 job" if plan.pending == 1 else f"{plan.pending} jobs"
    console.text(f"{number} {verb}, {plan.unchanged} as the file says.")


def _words(change: Change) -> str:
    words = {
        Action.CREATE: "new",
        Action.UPDATE: "changed",
        Action.DISABLE: "not in the file, disabled",
        Action.KEEP: "left as an operator has changed it",
    }
    return words[change.action]


def _show_effect(change: Change, console: Console) -> None:
    if change.effect is None:
        return
    found, spans = change.effect.difference, change.effect.spans
    until = change.effect.until or spans[0].end
    first = [f"+{iso_seconds(at)}" for at in found.added[:2]]
    first += [f"-{iso_seconds(at)}" for at in found.removed[:2]]
    first += [f"{iso_seconds(old)} to {iso_seconds(new)}" for old, new in found.moved[:2]]
    beside = "" if len(spans) == 1 else " and around the next changes of the clock"
    console.text(
        f"    until {iso_seconds(until)}{beside}: {len(found.added)} occurrences added,"
        f" {len(found.removed)} removed, {len(found.moved)} moved"
        + (f": {', '.join(first)} ..." if first else "")
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."


export = SimpleNamespace(HELP=EXPORT, add_arguments=_add_json, run=_export)
plan = SimpleNamespace(HELP=PLAN, add_arguments=_add_file, run=_plan)
apply = SimpleNamespace(HELP=APPLY, add_arguments=_add_apply, run=_apply)
