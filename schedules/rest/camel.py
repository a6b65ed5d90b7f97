"""What JSON looks like: camelCase names, strict types, unknown fields refused."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)
from pydantic.alias_generators import to_camel

from schedules.timing.instants import FIRST_YEAR, LAST_YEAR

MOST_TEXT = 10_000

Name = Annotated[str, Field(max_length=255)]
Text = Annotated[
    str,
    # The pattern says what no text may have; it is refused before the body is looked at.
    Field(max_length=MOST_TEXT, json_schema_extra={"pattern": "^[^\\u0000]*$"}),
]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"


def _instant(value: object) -> object:
    """Read an instant; a number of seconds since 1970 is not taken for one."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.match(value):
        raise ValueError("write an instant with its UTC offset, such as 2030-05-02T08:30:00Z")
    at = datetime.fromisoformat(value)
    _check_year(at.year)
    return at.astimezone(UTC) if at.tzinfo else at


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("write a date such as 2030-05-02")
    day = date.fromisoformat(value)
    _check_year(day.year)
    return day


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year is {year}: {FIRST_YEAR} to {LAST_YEAR}")


def _time(value: object) -> object:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.match(_TIME, value):
        raise ValueError("write a time of the day such as 19:30")
    return time.fromisoformat(value)


Instant = Annotated[AwareDatetime, Strict(False), BeforeValidator(_instant)]
"""ISO 8601 with Z or an offset, as text."""

Day = Annotated[date, Strict(False), BeforeValidator(_day)]
"""A date as text."""

WallTime = Annotated[
    time,
    Strict(False),
    BeforeValidator(_time),
    Field(json_schema_extra={"format": "wall-time", "pattern": _TIME}),
]
"""A time of the day on some wall, as text: hours and minutes, and seconds if any."""

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An instant in an answer: the shapes have written it in UTC with Z, and it stays as it is."""


def _whole(value: object) -> object:
    """Read 5.0 as 5: to JSON they are the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Put after the bounds of a whole number."""


class Reply(BaseModel):
    """What is answered; made from the dicts of `operations.shapes`, which are in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Asked(BaseModel):
    """What is asked for in a body. A field that nobody knows is an error, not a wish unheard."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    ROW_BY_ROW: ClassVar[bool] = False
    """True of a list whose entries are refused one by one, and say so themselves."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, body: Any) -> Any:
        if not cls.ROW_BY_ROW:
            check_texts(body)
        return body

    def given(self) -> dict[str, Any]:
        """Return the fields that the caller sent, also those sent as null."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def check_texts(value: Any) -> None:
    """Raise ValueError for a text that no database stores: with U+0000, or half a character."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("the body has a text with U+0000 or half a character in it")
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_texts(key)
            check_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            check_texts(inner)


def _flag(value: object) -> object:
    """Read the two words of JSON; what else could be taken for yes or no is refused."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Flag = Annotated[bool, Strict(), BeforeValidator(_flag)]
"""A yes or no in an address."""


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("write a name, not only blanks")
    return value


NOT_BLANK = AfterValidator(_not_blank)
"""Put after the bounds of a text that is somebody's or something's name."""
