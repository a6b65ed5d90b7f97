"""Reading the command line: the parser, and the values several verbs take."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from schedules.errors import InvalidInput
from schedules.management.console import Console, ExitCode, NotFound
from schedules.models import Job
from schedules.operations.importing.found import is_storable
from schedules.operations.listing import find_job
from schedules.timing.instants import FIRST_YEAR, LAST_YEAR

LONGEST_COUNT = 1000


class SchedulerParser(CommandParser):
    """Django's parser, which under `--json` says also its own refusals as a JSON document."""

    def __init__(self, **options: Any) -> None:
        options["formatter_class"] = argparse.RawDescriptionHelpFormatter
        # An abbreviation that works today would break when another option is added.
        super().__init__(**options, allow_abbrev=False)
        self._given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Remember what was given, for `error`."""
        self._given = list(sys.argv[2:] if args is None else args)
        for word in self._given:
            if not word.isascii() and not is_storable(word):
                self.error(f"argument {word!a} is not text in {sys.getfilesystemencoding()}")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2; in a program, raise CommandError."""
        if not self.called_from_command_line:
            raise CommandError(message, returncode=ExitCode.BAD_INPUT)
        if "--json" in self._given:
            refusal = InvalidInput("arguments", " ".join(self._given), f"{message}; see --help")
            Console(sys.stdout, sys.stderr, as_json=True).refusal(refusal)
            sys.exit(ExitCode.BAD_INPUT)
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: {message}\n")
        sys.exit(ExitCode.BAD_INPUT)


def job_named(reference: str, *, or_deleted: bool = False) -> Job:
    """Return the job with this key or number, on request a deleted one too. Raises NotFound."""
    job = find_job(reference, or_deleted=or_deleted)
    if job is None:
        raise NotFound("job", reference, "the key or number of a job; `scheduler jobs` lists them")
    return job


def whole_number(text: str, *, field: str, least: int, most: int, unit: str = "") -> int:
    """Return the number. Raises InvalidInput unless it is whole and within the bounds."""
    accepted = f"a whole number{f' of {unit}' if unit else ''} from {least} to {most}"
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        raise InvalidInput(field, text, accepted)
    number = int(text)
    if not least <= number <= most:
        raise InvalidInput(field, text, accepted)
    return number


def instant(text: str, *, field: str) -> datetime:
    """Return an ISO 8601 instant in UTC. Raises InvalidInput for one without its UTC offset."""
    accepted = "an ISO 8601 instant with Z or its UTC offset, for example 2026-03-29T00:30:00Z"
    try:
        value = datetime.fromisoformat(text)
        in_utc = value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(field, text, accepted) from None
    if value.tzinfo is None:
        raise InvalidInput(field, text, accepted)
    if not FIRST_YEAR <= in_utc.year <= LAST_YEAR:
        raise InvalidInput(field, text, f"an instant of the years {FIRST_YEAR} to {LAST_YEAR}")
    return in_utc


def one_of(text: str, choices: Sequence[str], *, field: str) -> str:
    """Return the text. Raises InvalidInput unless it is one of the choices."""
    if text not in choices:
        raise InvalidInput(field, text, f"one of {', '.join(choices)}")
    return text


def json_object(text: str, *, field: str) -> dict[str, Any]:
    """Return a JSON object. Raises InvalidInput for anything else, and for what no row can hold."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(field, text, 'a JSON object, for example {"days": 7}')
    if not is_storable(value):
        raise InvalidInput(field, text, "text without U+0000 and without half a character")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
