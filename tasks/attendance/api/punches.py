"""Punches of the devices: one or many at once, each taken or refused by itself."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import Field

from schedules.public import InvalidInput, database_now
from schedules.public.rest import (
    Asked,
    Instant,
    Moment,
    Paged,
    PageQuery,
    Reply,
    iso,
    needs,
    page_of,
)
from tasks.attendance.api.days import EmployeeCode
from tasks.attendance.intake import Intake, Refusal, take_punches
from tasks.attendance.models import PunchLog
from tasks.people.models import Employee

router = Router(by_alias=True)

VIEW, ADD = "attendance.view_punchlog", "attendance.add_punchlog"

MOST_AT_ONCE = 500
"""Punches of one request; more would pass the limit of a body's size."""

NAMES = {
    "employeeCode": "employee_code",
    "at": "at",
    "device": "device",
    "direction": "direction",
}
"""The fields of a punch in JSON, and in the intake."""


class Punch(Asked):
    """What a device reports."""

    employee_code: EmployeeCode
    at: Instant
    device: Annotated[str, Field(max_length=100)] = ""
    direction: Annotated[str, Field(max_length=20)] = Field(
        "", description="in, out, or empty where it is not told."
    )


class PunchTaken(Reply):
    """What became of a punch: `created` is false where it was there already."""

    created: bool
    known_employee: bool = Field(description="false: kept, and counted once there is such a code.")


class Punches(Asked):
    """Many punches. Each is looked at by itself, so here they may be anything."""

    ROW_BY_ROW = True

    punches: Annotated[list[Any], Field(min_length=1, max_length=MOST_AT_ONCE)] = Field(
        description="Objects with employeeCode, at, device and direction, as of a single punch."
    )


class RefusedPunch(Reply):
    """A punch that was not taken."""

    index: int = Field(description="Its place in `punches`, from 0.")
    pointer: str = Field(description="JSON pointer into the body.")
    detail: str


class PunchesTaken(Reply):
    """What became of them. `received` is the sum of created, existed and refused."""

    received: int
    created: int
    existed: int
    refused: list[RefusedPunch]
    unknown_codes: list[str] = Field(description="Kept, and counted once there are such codes.")


class PunchReply(Reply):
    """A punch as it is kept."""

    id: int
    employee_code: str
    at: Moment
    device: str
    direction: str
    state: Literal["pending", "done", "unknown"]
    received_at: Moment


class PunchPage(Paged):
    """One page of punches, the latest first."""

    items: list[PunchReply]


class PunchQuery(PageQuery):
    """Which punches; `unknown` are those with a code that no employee has."""

    employee: Annotated[str, Field(max_length=50)] | None = None
    state: Literal["pending", "done", "unknown"] | None = None


@router.get("/punches", auth=needs(VIEW), response=PunchPage, operation_id="listPunches")
def list_all(request: HttpRequest, query: Query[PunchQuery]) -> Any:
    """List punches, the latest first."""
    rows = PunchLog.objects.order_by("-at", "-pk")
    if query.employee is not None:
        rows = rows.filter(employee_code=query.employee.replace("\x00", ""))
    if query.state is not None:
        rows = rows.filter(state=query.state)
    return page_of(rows, query, _shape)


@router.post(
    "/punches",
    auth=needs(ADD),
    response={200: PunchTaken, 201: PunchTaken},
    operation_id="addPunch",
)
def add(request: HttpRequest, data: Punch) -> Any:
    """Take one punch. The same again, by device, instant and code, changes nothing."""
    intake = take_punches([(0, data.model_dump())], now=database_now())
    for refusal in intake.refused:
        raise refusal.error
    known = not _unknown(intake.codes)
    taken = {"created": bool(intake.created), "knownEmployee": known}
    return Status(201 if intake.created else 200, taken)


@router.post("/punches/bulk", auth=needs(ADD), response=PunchesTaken, operation_id="addPunches")
def add_many(request: HttpRequest, data: Punches) -> Any:
    """Take many punches. One that cannot be taken is named in `refused`, and nothing else is lost.
    Sending the same again changes nothing.
    """
    strange: list[Refusal] = []
    intake = take_punches(_entries(data.punches, strange), now=database_now())
    refused = sorted([*intake.refused, *strange], key=lambda refusal: refusal.number)
    return _taken(intake, refused, _unknown(intake.codes), received=len(data.punches))


def _entries(punches: list[Any], strange: list[Refusal]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield each punch with its place; what is none goes to `strange`."""
    for index, punch in enumerate(punches):
        if not isinstance(punch, dict):
            error = InvalidInput("", repr(punch), f"an object with {', '.join(NAMES)}")
            strange.append(Refusal(index, error, {}))
        elif unknown := punch.keys() - NAMES:
            error = InvalidInput("", min(unknown), f"an object with {', '.join(NAMES)} only")
            strange.append(Refusal(index, error, punch))
        else:
            yield index, {NAMES[name]: value for name, value in punch.items()}


def _taken(
    intake: Intake, refused: list[Refusal], unknown: list[str], *, received: int
) -> dict[str, Any]:
    in_json = {inside: outside for outside, inside in NAMES.items()}
    rows = []
    for each in refused:
        field = in_json.get(each.error.field, each.error.field)
        said = InvalidInput(field or "punch", each.error.found, each.error.accepted)
        place = f"#/punches/{each.number}" + (f"/{field}" if field else "")
        rows.append({"index": each.number, "pointer": place, "detail": str(said)})
    return {
        "received": received,
        "created": intake.created,
        "existed": intake.existed,
        "refused": rows,
        "unknownCodes": unknown,
    }


def _unknown(codes: set[str]) -> list[str]:
    known = Employee.objects.filter(code__in=codes).values_list("code", flat=True)
    return sorted(codes - set(known))


def _shape(punch: PunchLog) -> dict[str, Any]:
    return {
        "id": punch.pk,
        "employeeCode": punch.employee_code,
        "at": iso(punch.at),
        "device": punch.device,
        "direction": punch.direction,
        "state": punch.state,
        "receivedAt": iso(punch.received_at),
    }
