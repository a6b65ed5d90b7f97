"""Import punches from a CSV file, as clocks and other systems export them."""

import csv
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser

from schedules.public import database_now
from tasks.attendance.imports import COLUMNS, NOT_UTF8, import_punches
from tasks.attendance.intake import Refusal

WIDTH = 30
"""Characters of the progress bar."""


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ArgumentTypeError(f"{name!r} is not a time zone, for example Asia/Jakarta.") from None


class Command(BaseCommand):
    """`manage.py import_punches FILE [--timezone ZONE] [--refused FILE]`. Safe to repeat.

    The file has a line of column names, `employee_code,at,device,direction`, of which the last two
    may be missing. Exit code 1 when lines were refused; all others are imported.
    """

    help = "Import punches from a CSV file; lines that are refused are reported, the others kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, and what to do about instants without UTC offset and refused lines."""
        parser.add_argument("file", type=Path, help="UTF-8, with a line of column names")
        parser.add_argument(
            "--timezone", type=_zone, metavar="ZONE", help="of instants without a UTC offset"
        )
        parser.add_argument(
            "--refused", type=Path, metavar="FILE", help="write refused lines here (CSV)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, show a bar on a terminal, and print one line at the end."""
        path: Path = options["file"]
        report: Path | None = options["refused"]
        if report is not None:
            _check_writable(report, source=path)
        try:
            with path.open(encoding="utf-8-sig", errors=NOT_UTF8, newline="") as file:
                size = path.stat().st_size
                done = import_punches(
                    _shown(file, size, self.stderr),
                    now=database_now(),
                    zone=options["timezone"],
                )
        except OSError as error:
            raise CommandError(f"file is {str(path)!r}: a readable UTF-8 file ({error}).") from None
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{done.created} punches imported, {done.existed} were there already,"
            f" {len(done.refused)} lines refused."
        )
        self._report(done.refused, report)
        if done.refused:
            sys.exit(1)

    def _report(self, refused: list[Refusal], path: Path | None) -> None:
        for refusal in refused if path is None else ():
            self.stderr.write(f"line {refusal.number}: {refusal.error}")
        if path is not None:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["line", "error", *COLUMNS])
                for refusal in refused:
                    cells = [refusal.entry.get(name, "") for name in COLUMNS]
                    writer.writerow([refusal.number, str(refusal.error), *cells])


def _check_writable(report: Path, *, source: Path) -> None:
    """Refuse a report that cannot be written while nothing has been imported; it is not emptied."""
    wrong = "that is the file to import"
    try:
        if not (report.exists() and source.exists() and report.samefile(source)):
            report.open("a").close()
            return
    except OSError as error:
        wrong = str(error)
    raise CommandError(f"refused is {str(report)!r}: a file that can be written ({wrong}).")


def _shown(lines: TextIO, size: int, out: Any) -> Iterator[str]:
    """Yield the lines and draw how much of the file they are; only on a terminal.

    What is no file, a pipe for example, has no size, and no bar.
    """
    if not (size and out.isatty()):
        yield from lines
        return
    read = drawn = 0
    for line in lines:
        read += len(line.encode(errors=NOT_UTF8))
        if min(read, size) * WIDTH // size > drawn:
            drawn = min(read, size) * WIDTH // size
            _draw(out, drawn)
        yield line
    _draw(out, WIDTH)
    out.write("")


def _draw(out: Any, drawn: int) -> None:
    out.write(f"\r[{'#' * drawn:<{WIDTH}}] {100 * drawn // WIDTH:3} %", ending="")
    out.flush()
