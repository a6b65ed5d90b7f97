"""What a verb writes: its result on stdout, as one JSON document or as text; and how it ends."""

import json
import math
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Protocol

from schedules.errors import InvalidInput


class ExitCode(IntEnum):
    """The exit codes of every verb."""

    OK = 0
    PROBLEM = 1
    BAD_INPUT = 2
    NOT_FOUND = 3
    REFUSED = 4
    TIMED_OUT = 5
    INTERRUPTED = 130


class NotFound(InvalidInput):
    """What an argument names does not exist."""


class Writer(Protocol):
    """What can be written to: a stream, or Django's wrapper of one."""

    def write(self, text: str, /) -> object:
        """Write the text."""
        ...


class Console:
    """Writes results. With `as_json` only `document` writes, so that stdout is one document."""

    def __init__(self, out: Writer, log: Writer, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = out
        self._log = log

    def document(self, value: Any) -> None:
        """Write the result for programs."""
        if self.as_json:
            self._out.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def text(self, line: str) -> None:
        """Write a line of the result for people."""
        if not self.as_json:
            self._out.write(f"{printable(line)}\n")

    def file(self, text: str) -> None:
        """Write a result that is a file, as it is."""
        if not self.as_json:
            self._out.write(text)

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write aligned columns for people. An empty table is its titles: say yourself why."""
        if self.as_json:
            return
        cells = [list(titles), *([printable(cell) for cell in row] for row in rows)]
        widths = [max(_width(row[place]) for row in cells) for place in range(len(titles))]
        for row in cells:
            padded = (cell + " " * (widths[place] - _width(cell)) for place, cell in enumerate(row))
            self._out.write("  ".join(padded).rstrip() + "\n")

    def note(self, line: str) -> None:
        """Write a line that is no part of the result."""
        self._log.write(f"{printable(line)}\n")

    def refusal(self, error: Exception) -> None:
        """Write why nothing was done: an `error` document, or one sentence."""
        if isinstance(error, InvalidInput):
            found = error.found if _is_json(error.found) else str(error.found)
            parts = {"field": error.field, "found": found, "accepted": error.accepted}
        else:
            parts = {"detail": str(error)}
        self.document({"error": parts})
        if not self.as_json:
            self.note(str(error))


def printable(text: str) -> str:
    """Return the text on one line, without characters that would steer a terminal."""
    return "".join(
        character if unicodedata.category(character)[0] != "C" else " " for character in text
    )


def _width(text: str) -> int:
    """Return the columns a terminal needs for the text."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    marks = sum(unicodedata.combining(character) != 0 for character in text)
    return len(text) + wide - marks


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int | bool)
