"""What was measured, in a file: written whenever a work ends, read for the README's table and
picture.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.report import NOT_MET, Figure, Section, document, number

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
SIGNS = {"met": "✓", "not met": "✗", "not judged": "·"}


class NothingKept(Exception):
    """A file that is none of these, or cannot be; the message is the line that a person reads."""


def keep(path: Path, machine: dict[str, Any], sections: Sequence[Section]) -> None:
    """Write what there is so far: a break loses no more than the work that it meets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f"{path.name}.part")
    whole.write_text(json.dumps(document(machine, sections), indent=1) + "\n")
    whole.replace(path)


def read(paths: Sequence[Path]) -> tuple[dict[str, Any], list[Section]]:
    """Return the machine and the works of these files; a later file's work takes the place of an
    earlier one's. Raises NothingKept.
    """
    machine: dict[str, Any] = {}
    sections: dict[str, Section] = {}
    for path in paths:
        try:
            kept = json.loads(path.read_text())
            machine = kept["machine"]
            sections |= {work["work"]: Section.from_json(work) for work in kept["works"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NothingKept(f"{path} is no file of ./run bench: {error!r}") from error
    return machine, list(sections.values())


def table(machine: dict[str, Any], sections: Sequence[Section]) -> str:
    """Return in Markdown what has a goal and what is a ratio, and below it where it was measured.

    The other figures are in the file and in the report for a person.
    """
    lines = ["| | what | median | spread | goal | |", "|---|---|--:|--:|--:|---|"]
    for section in sections:
        lines.append(f"| **{section.name}** | **{_cell(section.title)}** | | | | |")
        if section.error:
            lines.append(f"| | {_cell(section.error)} | | | | |")
        shown = (one for one in section.figures if one.goal is not None or one.unit == "x")
        lines += [_row(figure) for figure in shown]
    goals = document(machine, sections)["goals"]
    counted = ", ".join(f"{count} {verdict} ({SIGNS[verdict]})" for verdict, count in goals.items())
    where = "; ".join(f"{name}: {value}" for name, value in machine.items())
    return "\n".join([*lines, "", f"Goals: {counted}. {where}."])


def put_into(page: Path, words: str, *, picture: Path | None = None) -> None:
    """Put the table, below the picture, between the two marks of a page.

    Raises NothingKept where there is no such page or mark.
    """
    before, after = around_marks(page)
    if picture is not None:
        path = os.path.relpath(picture, page.parent)
        words = f"![Ratios of one run, and the goals]({path})\n\n{words}"
    page.write_text(f"{before}{BEGIN}\n\n{words}\n\n{END}{after}")


def around_marks(page: Path) -> tuple[str, str]:
    """Return what stands before and after the two marks of a page. Raises NothingKept."""
    try:
        before, found, rest = page.read_text().partition(BEGIN)
    except (OSError, ValueError) as error:
        raise NothingKept(f"{page} cannot be read: {error}") from error
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise NothingKept(f"{page} has no {BEGIN} with {END} after it.")
    return before, after


def check_writable(path: Path) -> None:
    """Make the folder of a file that is to be written. Raises NothingKept where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NothingKept(f"{path} cannot be written: {error}") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise NothingKept(f"{path} cannot be written: it must be a file in a folder of yours.")


def _row(figure: Figure) -> str:
    value = "-" if figure.median is None else f"{number(figure.median)} {figure.unit}".strip()
    spread = ""
    if len(figure.values) > 1:
        spread = f"{number(min(figure.values))} to {number(max(figure.values))}"
    goal = "" if figure.goal is None else str(figure.goal)
    sign = SIGNS.get(figure.verdict, "")
    value = f"**{value}**" if figure.verdict == NOT_MET else value
    return f"| | {_cell(figure.name)} | {value} | {spread} | {goal} | {sign} |"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")
