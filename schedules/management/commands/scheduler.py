"""`manage.py scheduler`: look at the scheduler and operate it."""

import os
import sys
from argparse import SUPPRESS
from io import TextIOWrapper
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError

from schedules.errors import InvalidInput, Refused
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.parser import SchedulerParser
from schedules.management.verbs import VERBS

LACKING = ("42P01", "42703")
"""PostgreSQL's words for a table and a column that are not there."""

EXPLANATION = """\
Look at the scheduler and operate it. `scheduler VERB --help` explains a verb.

The result goes to stdout, everything else to stderr. With --json the result is
exactly one JSON document, with the names of the REST API; lists are
{"items": [...]}. A job is named by its key or its number. Instants are ISO 8601
with Z or a UTC offset; one without is refused.

exit codes:
  0  done, all is well          3  there is no such job, run or user
  1  a problem was found        4  refused: the state of things forbids it
  2  bad input                  5  timed out           130  Ctrl-C"""


class Command(BaseCommand):
    """One command with a verb. Each verb is a module of `schedules.management.verbs`."""

    help = EXPLANATION
    # `next --cron` needs no database and `status` is for when something is wrong: neither may be
    # stopped by a check.
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command as a shell asked for it."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # Names may be in any script and JSON is UTF-8, whatever the locale says.
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser with all verbs."""
        parser = SchedulerParser(
            prog=f"{prog_name.rpartition('/')[2]} {subcommand}",
            description=EXPLANATION,
            called_from_command_line=getattr(self, "_called_from_command_line", None),
            **kwargs,
        )
        _add_common(parser, hidden=False)
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")
        for name, module in VERBS.items():
            summary = module.HELP.partition("\n")[0]
            verb = verbs.add_parser(name, help=summary, description=module.HELP)
            module.add_arguments(verb)
            _add_common(verb, hidden=True)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb; its exit code becomes the process's."""
        console = Console(self.stdout, self.stderr, as_json=bool(options.get("json")))
        try:
            code = self._run(VERBS[options["verb"]], options, console)
            self.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough, as `| head` does. Python flushes once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except KeyboardInterrupt:
            console.note("Interrupted.")
            sys.exit(ExitCode.INTERRUPTED)
        if code != ExitCode.OK:
            sys.exit(code)

    def _run(self, verb: Any, options: dict[str, Any], console: Console) -> ExitCode:
        try:
            code: ExitCode = verb.run(options, console)
        except NotFound as error:
            console.refusal(error)
            return ExitCode.NOT_FOUND
        except InvalidInput as error:
            console.refusal(error)
            return ExitCode.BAD_INPUT
        except Refused as error:
            console.refusal(error)
            return ExitCode.REFUSED
        except DatabaseError as error:
            if options["traceback"]:
                raise
            console.refusal(RuntimeError(_in_words(error)))
            return ExitCode.PROBLEM
        return code


def _in_words(error: DatabaseError) -> str:
    first_line = str(error).partition("\n")[0]
    if getattr(error.__cause__, "sqlstate", None) in LACKING or first_line.startswith("no such "):
        return f"The database lacks tables, so run `manage.py migrate`: {first_line}"
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database does not answer: {first_line}"
    return f"The database refuses it: {first_line}"


def _add_common(parser: CommandParser, *, hidden: bool) -> None:
    """Add what Django looks for in the options of every command, and leave out its rest."""
    text = SUPPRESS if hidden else "As for every command of Django."
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, help=text)
    parser.add_argument("--traceback", action="store_true", help=text)
    parser.set_defaults(no_color=True, force_color=False, skip_checks=True, verbosity=1)
