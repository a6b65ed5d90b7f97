"""Reading punches from the lines of a CSV file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from schedules.public import InvalidInput
from tasks.attendance.intake import Intake, Refusal, take_punches

COLUMNS = ("employee_code", "at", "device", "direction")
NEEDED = COLUMNS[:2]

NOT_UTF8 = "surrogateescape"
"""How a file is to be opened (`errors`), so that a byte that is not UTF-8 costs its own line."""


def import_punches(lines: Iterable[str], *, now: datetime, zone: ZoneInfo | None = None) -> Intake:
    """Save the punches of a CSV file's lines that are new; return what became of every line.

    A line is a punch, read by itself; those that are not UTF-8 are refused when the file was opened
    with `errors=NOT_UTF8`. The number of a refusal is the line's in the file, from 1. Instants
    without a UTC offset are on the clocks of `zone`; without a zone they are refused. Memory holds
    a batch, and the refusals.
    Raises InvalidInput when the first line does not name the columns.
    """
    numbered = enumerate(lines, start=1)
    names = _names(next(numbered, (1, ""))[1])
    malformed: list[Refusal] = []
    intake = take_punches(_entries(numbered, names, malformed), now=now, zone=zone)
    intake.refused = sorted([*intake.refused, *malformed], key=lambda refusal: refusal.number)
    return intake


def _names(line: str) -> list[str]:
    try:
        cells = _cells(line)
    except InvalidInput as error:
        raise InvalidInput("line 1", error.found, error.accepted) from None
    names = [cell.strip().lower() for cell in cells]
    complete = set(NEEDED) <= set(names) <= set(COLUMNS) and len(set(names)) == len(names)
    if not complete:
        accepted = f"the names of the columns, {', '.join(COLUMNS)}; the last two may be missing"
        raise InvalidInput("line 1", ",".join(cells), accepted)
    return names


def _entries(
    numbered: Iterable[tuple[int, str]], names: list[str], malformed: list[Refusal]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each line's cells by name; lines that are none go to `malformed`."""
    for number, line in numbered:
        try:
            cells = _cells(line)
        except InvalidInput as error:
            malformed.append(Refusal(number, error, {}))
            continue
        if len(cells) == len(names):
            yield number, dict(zip(names, cells, strict=True))
        elif cells:
            refusal = InvalidInput(
                "line", ",".join(cells), f"{len(names)} cells: {','.join(names)}"
            )
            malformed.append(Refusal(number, refusal, dict(zip(names, cells, strict=False))))


def _cells(line: str) -> list[str]:
    """Return the cells of one line. Raises InvalidInput for one that is not UTF-8 or ill quoted.

    No cell of a punch has a line break in it, so each line is read by itself: a quote that is
    never closed must not swallow the lines after it.
    """
    try:
        line.encode()
    except UnicodeEncodeError:
        found = line.strip().encode(errors=NOT_UTF8).decode(errors="replace")
        raise InvalidInput("line", found, "text in UTF-8") from None
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        found = f"{line.strip()} ({error})"
        raise InvalidInput("line", found, "cells separated by commas, well quoted") from None
