"""Taking punches in: from a device, a file or a client. What is refused is named, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID, uuid4

from schedules.public import InvalidInput
from tasks.attendance.models import Direction, PunchLog

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far ahead of ours the clock of a device may be."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""What lies before it was not punched: the clock of the device was not set."""

MOST_PUNCHES = 1000
"""Punches written in one statement. On SQLite writing stops every other writer."""

DIRECTIONS = {"": Direction.UNKNOWN, "in": Direction.IN, "out": Direction.OUT}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that was not taken: its number, why, and what it said."""

    number: int
    error: InvalidInput
    entry: Mapping[str, Any]


@dataclass(kw_only=True)
class Intake:
    """What became of the punches; `codes` are those of the punches that were taken."""

    created: int = 0
    existed: int = 0
    codes: set[str] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)


def take_punches(
    entries: Iterable[tuple[int, Mapping[str, Any]]], *, now: datetime, zone: tzinfo | None = None
) -> Intake:
    """Save the punches that are new, in short transactions; return what became of each.

    Entries come with a number, by which a refusal names them. They have `employee_code`, `at` (an
    aware instant, or ISO text with its UTC offset; without one it is read on the clocks of `zone`)
    and, if known, `device` and `direction` (`in`, `out` or empty). A punch that is there already,
    by device, instant and code, is left as it is. A code that no employee has is kept: the sync
    reports it.
    """
    intake, upload, taken = Intake(), uuid4(), 0
    batch: list[PunchLog] = []
    for number, entry in entries:
        try:
            batch.append(read_punch(entry, now=now, zone=zone))
        except InvalidInput as error:
            intake.refused.append(Refusal(number, error, entry))
            continue
        taken += 1
        intake.codes.add(batch[-1].employee_code)
        if len(batch) == MOST_PUNCHES:
            _save(batch, upload)
            batch = []
    _save(batch, upload)
    # The inserts do not say which rows were new; their mark does.
    intake.created = PunchLog.objects.filter(upload=upload).count()
    intake.existed = taken - intake.created
    return intake


def read_punch(entry: Mapping[str, Any], *, now: datetime, zone: tzinfo | None = None) -> PunchLog:
    """Return the punch, not saved.

    An instant without its UTC offset is read on the clocks of `zone`, or refused without one.
    Raises InvalidInput, naming the field.
    """
    code = _text(entry, "employee_code", most=50)
    if not code:
        raise InvalidInput("employee_code", "", "the code of an employee, for example E0007")
    direction = _text(entry, "direction", most=20).lower()
    if direction not in DIRECTIONS:
        raise InvalidInput("direction", direction, "in, out or empty")
    return PunchLog(
        employee_code=code,
        at=_instant(entry.get("at"), now=now, zone=zone),
        device=_text(entry, "device", most=100),
        direction=DIRECTIONS[direction],
    )


def _save(punches: Sequence[PunchLog], upload: UUID) -> None:
    for punch in punches:
        punch.upload = upload
    PunchLog.objects.bulk_create(punches, ignore_conflicts=True)


def _text(entry: Mapping[str, Any], name: str, *, most: int) -> str:
    found = entry.get(name) or ""
    if not isinstance(found, str) or len(found) > most or not found.isprintable():
        raise InvalidInput(name, found, f"text of at most {most} characters")
    return found.strip()


def _instant(found: object, *, now: datetime, zone: tzinfo | None) -> datetime:
    accepted = "an instant with its UTC offset, for example 2030-05-02T08:30:00+07:00"
    try:
        at = found if isinstance(found, datetime) else datetime.fromisoformat(str(found or ""))
    except ValueError:
        raise InvalidInput("at", found or "", accepted) from None
    if at.tzinfo is None and zone is not None:
        at = at.replace(tzinfo=zone)
    if at.tzinfo is None:
        raise InvalidInput("at", str(found), accepted)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("at", str(found), accepted) from None
    if at < EARLIEST:
        raise InvalidInput("at", str(found), f"not before {EARLIEST:%Y-%m-%d}")
    if at > now + CLOCKS_DIFFER:
        raise InvalidInput("at", str(found), f"not in the future (now is {now:%Y-%m-%dT%H:%M:%SZ})")
    return at
