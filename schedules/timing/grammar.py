"""The text of a cron expression, read into sets of numbers. What they mean is in `pattern`.

Five fields, or one of the names in `MACROS`. A field is a list, separated by commas, of `*`, `7`,
`1-5`, each with a step such as `*/15`; `5/15` counts from 5 to the end of the field. Months and
weekdays have English names of three letters; Sunday is 0 and 7. Days of the month also know `L`
(the last), `15W` (the weekday nearest to the 15th) and `LW` (the last weekday); days of the week
know `5L` (the last Friday) and `5#2` (the second). Whatever other programs read differently is
refused rather than guessed: ranges that wrap round, `?`, `1-10/2/3`, digits that are not ASCII.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from schedules.errors import InvalidTimetable

LONGEST = 255
"""Characters in an expression: a column's length, and a bound on the work of reading it."""

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

LAST = 0
"""The bit (days of the month) or the index (weeks) that stands for the last one."""


class Fields(NamedTuple):
    """A parsed expression. Sets are integers in which bit n stands for the number n."""

    minutes: int
    hours: int
    days: int
    """Bits 1 to 31, and `LAST`."""
    nearest: int
    """Days of the month, and `LAST`, of which the nearest weekday is meant."""
    months: int
    weekdays: int
    """Bits 0 (Sunday) to 6."""
    weeks: tuple[int, ...]
    """At index n the weekdays meant only at their nth time in the month; at `LAST` at the last."""
    starred: frozenset[str]
    """The names of the fields whose text begins with `*`."""


class _Kind(NamedTuple):
    """One of the five fields: what a person calls it and what it takes."""

    name: str
    low: int
    high: int
    end: int
    """Where `*` and `a/n` end; differs from `high` only where 7 is a second word for Sunday."""
    names: tuple[str, ...] = ()
    more: str = ""

    @property
    def accepted(self) -> str:
        names = f" or {self.names[0].upper()} to {self.names[-1].upper()}" if self.names else ""
        example = f"{self.low + 1}-{self.low + 4}"
        return (
            f"write {self.low} to {self.high}{names}, *, a range such as {example}, "
            f"a step such as */2{self.more}, or several of these separated by commas"
        )


_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MINUTE = _Kind("minute", 0, 59, 59)
_HOUR = _Kind("hour", 0, 23, 23)
_DAY = _Kind("day of month", 1, 31, 31, more=", L, 15W, LW")
_MONTH = _Kind("month", 1, 12, 12, names=_MONTH_NAMES)
_WEEKDAY = _Kind("day of week", 0, 7, 6, names=_DAY_NAMES, more=", 5L, 5#2")

_VALUE = "[0-9]+|[a-z]{3}"
_TERM = re.compile(rf"(?:(\*)|({_VALUE})(?:-({_VALUE}))?)(?:/([0-9]+))?")
_NEAREST = re.compile("(l|[0-9]+)w")
_WEEK = re.compile(rf"({_VALUE})(?:(l)|#([1-5]))")


@lru_cache(maxsize=1024)
def parse(expression: str) -> Fields:
    """Return what the expression says. Raises InvalidTimetable naming the field that is wrong."""
    texts = _split(expression)
    minutes = _set_of(_MINUTE, texts[0])
    hours = _set_of(_HOUR, texts[1])
    months = _set_of(_MONTH, texts[3])
    days, nearest = _days(texts[2])
    weekdays, weeks = _weekdays(texts[4])
    kinds = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)
    starred = (kind.name for kind, text in zip(kinds, texts, strict=True) if text[0] == "*")
    return Fields(
        minutes, hours, days, nearest, months, weekdays, weeks, starred=frozenset(starred)
    )


def tidy(expression: str) -> str:
    """Return the expression with one space between its fields. Raises InvalidTimetable."""
    if not isinstance(expression, str):
        raise InvalidTimetable("expression", expression, "write a cron expression as text")
    if len(expression) > LONGEST:
        accepted = f"write at most {LONGEST} characters (these are {len(expression)})"
        raise InvalidTimetable("expression", expression, accepted)
    return " ".join(re.findall(r"[^ \t\r\n]+", expression))


def _split(expression: str) -> list[str]:
    texts = MACROS.get(expression.lower(), expression).split(" ")
    if texts[0][:1] == "@":
        raise InvalidTimetable("expression", expression, f"write five fields or {_names()}")
    if len(texts) != 5:
        count = len(texts) if expression else 0
        accepted = (
            "write five fields separated by spaces (minute, hour, day of month, month, "
            f"day of week) or {_names()}; this has {count}"
        )
        raise InvalidTimetable("expression", expression, accepted)
    return texts


def _names() -> str:
    *others, last = MACROS
    return f"{', '.join(others)} or {last}"


def _days(text: str) -> tuple[int, int]:
    nearest = 0

    def special(item: str) -> int | None:
        nonlocal nearest
        if item == "l":
            return 1 << LAST
        match = _NEAREST.fullmatch(item)
        if match is None:
            return None
        nearest |= 1 << (LAST if match[1] == "l" else _number(_DAY, text, match[1]))
        return 0

    return _set_of(_DAY, text, special), nearest


def _weekdays(text: str) -> tuple[int, tuple[int, ...]]:
    weeks = [0] * 6

    def special(item: str) -> int | None:
        match = _WEEK.fullmatch(item)
        if match is None:
            return None
        weeks[LAST if match[2] else int(match[3])] |= 1 << _number(_WEEKDAY, text, match[1]) % 7
        return 0

    weekdays = _set_of(_WEEKDAY, text, special)
    return (weekdays | weekdays >> 7) & 0b1111111, tuple(weeks)


def _set_of(
    kind: _Kind, text: str, special: Callable[[str], int | None] = lambda item: None
) -> int:
    """Return the set a field's text names. `special` reads the items that only this field knows."""
    if not text.isascii():  # a letter such as the Kelvin sign becomes an ASCII one in lower case
        raise InvalidTimetable(kind.name, text, kind.accepted)
    numbers = 0
    for item in text.lower().split(","):
        also = special(item)
        numbers |= _term(kind, text, item) if also is None else also
    return numbers


def _term(kind: _Kind, text: str, item: str) -> int:
    match = _TERM.fullmatch(item)
    if match is None:
        raise InvalidTimetable(kind.name, text, kind.accepted)
    star, first, last, every = match.groups()
    step = int(every) if every else 1
    if step == 0:
        raise InvalidTimetable(kind.name, text, "a step counts up by at least 1, as in */2")
    if star:
        low, high = kind.low, kind.end
    else:
        low = _number(kind, text, first)
        high = _number(kind, text, last) if last else max(low, kind.end) if every else low
    if high < low:
        accepted = "a range runs from its smaller number to its larger; write one that wraps as two"
        raise InvalidTimetable(kind.name, text, accepted)
    return sum(1 << number for number in range(low, high + 1, step))


def _number(kind: _Kind, text: str, value: str) -> int:
    number = kind.names.index(value) + kind.low if value in kind.names else -1
    if value.isdigit():
        number = int(value)
    if not kind.low <= number <= kind.high:
        raise InvalidTimetable(kind.name, text, kind.accepted)
    return number
