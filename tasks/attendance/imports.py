"""Reading punches from the lines of a CSV file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schedules.public import InvalidInput
from tasks.attendance.intake import Intake, Refusal, take_punches

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

COLUMNS = ("employee_code", "at", "device", "direction")
NEEDED = COLUMNS[:2]


def import_punches(lines: Iterable[str], *, now: datetime, zone: ZoneInfo | None = None) -> Intake:
    """Save the punches of a CSV file's lines that are new; return what became of every line.

    The number of a refusal is the line's in the file, from 1. Instants without a UTC offset are on
    the clocks of `zone`; without a zone they are refused. Memory holds a batch, and the refusals.
    Raises InvalidInput when the first line does not name the columns.
    """
    file = csv.reader(lines, strict=True)
    names = _names(next(file, []))
    malformed: list[Refusal] = []
    intake = take_punches(_entries(file, names, malformed), now=now, zone=zone)
    intake.refused = sorted([*intake.refused, *malformed], key=lambda refusal: refusal.number)
    return intake


def _names(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    complete = set(NEEDED) <= set(names) <= set(COLUMNS) and len(set(names)) == len(names)
    if not complete:
        accepted = f"the names of the columns, {', '.join(COLUMNS)}; the last two may be missing"
        raise InvalidInput("line 1", ",".join(cells), accepted)
    return names


def _entries(
    file: "CsvReader", names: list[str], malformed: list[Refusal]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each line's cells by name; lines that are none go to `malformed`."""
    while True:
        try:
            cells = next(file)
        except StopIteration:
            return
        except csv.Error as error:
            refusal = InvalidInput("line", str(error), "cells separated by commas, well quoted")
            malformed.append(Refusal(file.line_num, refusal, {}))
            continue
        if len(cells) == len(names):
            yield file.line_num, dict(zip(names, cells, strict=True))
        elif cells:
            refusal = InvalidInput(
                "line", ",".join(cells), f"{len(names)} cells: {','.join(names)}"
            )
            entry = dict(zip(COLUMNS, cells, strict=False))
            malformed.append(Refusal(file.line_num, refusal, entry))
