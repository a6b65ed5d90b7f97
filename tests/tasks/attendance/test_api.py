"""Attendance over the REST API: clocking, punches by the hundred, leave."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from schedules.public import database_now
from schedules.testing import execute
from tasks.attendance.jobs import sync_attendance_logs
from tasks.attendance.models import Attendance, LeaveRequest, PunchLog, Source, Status
from tests.tasks.people.staff import hire
from tests.tasks.statements import statements

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]
PUNCH = {
    "employeeCode": "T00001",
    "at": "2030-05-06T08:30:00+07:00",
    "device": "gate-1",
    "direction": "in",
}


@pytest.fixture(autouse=True)
def in_2030(monkeypatch: pytest.MonkeyPatch) -> None:
    """Punches of these tests lie in the past."""
    in_ten_years = database_now() + timedelta(days=3650)
    monkeypatch.setattr("tasks.attendance.api.punches.database_now", lambda: in_ten_years)


def test_a_punch_is_one_row_however_often_it_is_sent(ask: Ask) -> None:
    hire(1)

    answers = [ask("POST", "/attendance/punches", PUNCH) for _ in range(2)]
    other_device = ask("POST", "/attendance/punches", {**PUNCH, "device": "gate-2"})

    assert [answer.status_code for answer in answers] == [201, 200]
    assert [answer.json()["created"] for answer in answers] == [True, False]
    assert other_device.json() == {"created": True, "knownEmployee": True}
    assert PunchLog.objects.count() == 2


def test_a_punch_is_read_alike_alone_and_among_many(ask: Ask) -> None:
    hire(1)
    untidy = {**PUNCH, "employeeCode": " T00001 ", "direction": "IN"}

    alone = ask("POST", "/attendance/punches", untidy)
    among = ask("POST", "/attendance/punches/bulk", {"punches": [untidy]}).json()

    assert alone.json() == {"created": True, "knownEmployee": True}
    assert (among["existed"], among["unknownCodes"]) == (1, [])
    assert ask("POST", "/attendance/punches", {**PUNCH, "employeeCode": " "}).status_code == 422
    assert list(PunchLog.objects.values_list("employee_code", "direction")) == [("T00001", "in")]


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"at": "2099-01-01T00:00:00Z"}, "#/at", "not in the future"),
        ({"at": "2030-05-06T08:30:00"}, "#/at", "timezone"),
        ({"at": "1900-01-02T00:00:00Z"}, "#/at", "not before 1970-01-01"),
        ({"employeeCode": ""}, "#/employeeCode", "at least 1 character"),
        ({"direction": "up"}, "#/direction", "in, out or empty"),
    ],
)
def test_what_cannot_be_a_punch_is_refused_with_the_field(
    ask: Ask, change: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = ask("POST", "/attendance/punches", {**PUNCH, **change})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert detail in answer.json()["errors"][0]["detail"]
    assert not PunchLog.objects.exists()


def test_of_many_punches_the_bad_ones_are_named_and_the_others_kept(ask: Ask) -> None:
    hire(1)
    punches: list[Any] = [
        PUNCH,
        {**PUNCH, "at": "2099-01-01T00:00:00Z"},
        {**PUNCH, "at": "2030-05-06T17:30:00+07:00", "direction": "out"},
        "T00001",
        {**PUNCH, "employeeCode": 1},
        {**PUNCH, "employeeCode": "STRANGER"},
        {**PUNCH, "colour": "red"},
        PUNCH,
    ]

    taken = ask("POST", "/attendance/punches/bulk", {"punches": punches}).json()
    again = ask("POST", "/attendance/punches/bulk", {"punches": punches}).json()

    assert [each["pointer"] for each in taken["refused"]] == [
        "#/punches/1/at",
        "#/punches/3",
        "#/punches/4/employeeCode",
        "#/punches/6",
    ]
    assert "not in the future" in taken["refused"][0]["detail"]
    assert taken["refused"][3]["detail"] == (
        "punch is 'colour': an object with employeeCode, at, device, direction only."
    )
    counts = ("received", "created", "existed", "unknownCodes")
    assert [taken[name] for name in counts] == [8, 3, 1, ["STRANGER"]]
    assert [again[name] for name in counts] == [8, 0, 4, ["STRANGER"]]
    assert PunchLog.objects.count() == 3


def test_a_punch_that_no_database_stores_is_refused_alone(ask: Ask) -> None:
    hire(1)
    punches = [
        PUNCH,
        {**PUNCH, "device": "gate\x001"},
        {**PUNCH, "employeeCode": "T0000\ud800"},
        {**PUNCH, "at": "2030\x00"},
        {**PUNCH, "col\x00our": "red"},
        "\x00",
    ]

    taken = ask("POST", "/attendance/punches/bulk", {"punches": punches})

    assert taken.status_code == 200
    assert [each["pointer"] for each in taken.json()["refused"]] == [
        "#/punches/1/device",
        "#/punches/2/employeeCode",
        "#/punches/3/at",
        "#/punches/4",
        "#/punches/5",
    ]
    assert taken.json()["created"] == 1
    assert ask("POST", "/attendance/punches", punches[1]).status_code == 422


def test_many_punches_cost_as_many_statements_as_few(ask: Ask) -> None:
    hire(1)

    def send(count: int, day: int) -> list[str]:
        at = [f"2030-05-{day:02}T08:{n // 60:02}:{n % 60:02}Z" for n in range(count)]
        punches = [{**PUNCH, "at": instant} for instant in at]
        return statements(lambda: ask("POST", "/attendance/punches/bulk", {"punches": punches}))

    send(1, day=1)  # what is asked once a minute only is asked now

    assert send(500, day=3) == send(2, day=2)


def test_punches_over_the_api_become_attendance_and_strangers_are_listed(ask: Ask) -> None:
    hire(1)
    evening = {**PUNCH, "at": "2030-05-06T17:30:00+07:00", "direction": "out"}
    stranger = {**PUNCH, "employeeCode": "STRANGER"}
    ask("POST", "/attendance/punches/bulk", {"punches": [evening, PUNCH, stranger]})

    execute(sync_attendance_logs, scheduled_at=database_now() + timedelta(days=3650))

    days = ask("GET", "/attendance/days?employee=T00001&date_from=2030-05-01").json()
    unknown = ask("GET", "/attendance/punches?state=unknown").json()
    assert days["items"] == [
        {
            "employeeCode": "T00001",
            "date": "2030-05-06",
            "status": "present",
            "clockInAt": "2030-05-06T01:30:00Z",
            "clockOutAt": "2030-05-06T10:30:00Z",
            "enteredByHand": False,
        }
    ]
    assert [each["employeeCode"] for each in unknown["items"]] == ["STRANGER"]


def test_clocking_makes_the_days_row_and_hr_may_correct_it(ask: Ask) -> None:
    hire(1)
    who = {"employeeCode": "T00001"}

    came = ask("POST", "/attendance/clock-in", {**who, "at": "2020-05-06T08:30:00+07:00"}).json()
    left = ask("POST", "/attendance/clock-out", {**who, "at": "2020-05-06T17:30:00+07:00"}).json()
    nobody = ask("POST", "/attendance/clock-in", {"employeeCode": "STRANGER"})
    too_late = ask("POST", "/attendance/clock-out", who)
    future = ask("POST", "/attendance/clock-in", {**who, "at": "2999-01-01T00:00:00Z"})

    assert (came["date"], came["status"]) == ("2020-05-06", "present")
    assert left["clockOutAt"] == "2020-05-06T10:30:00Z"
    assert [each.status_code for each in (nobody, too_late, future)] == [404, 422, 422]
    assert Attendance.objects.count() == 1


def test_clocking_on_a_day_that_a_person_entered_says_so(ask: Ask) -> None:
    (employee,) = hire(1)
    day = date(2020, 5, 6)
    Attendance.objects.create(
        employee=employee, date=day, status=Status.ON_LEAVE, source=Source.HAND
    )
    who = {"employeeCode": "T00001"}

    entered = ask("POST", "/attendance/clock-in", {**who, "at": "2020-05-06T08:30:00+07:00"})
    punched = ask("POST", "/attendance/clock-in", {**who, "at": "2020-05-07T08:30:00+07:00"})

    assert entered.status_code == 200
    assert entered.json() == {
        "employeeCode": "T00001",
        "date": "2020-05-06",
        "status": "on_leave",
        "clockInAt": None,
        "clockOutAt": None,
        "enteredByHand": True,
    }
    assert punched.json()["enteredByHand"] is False


def test_leave_is_asked_for_and_decided(ask: Ask) -> None:
    (employee,) = hire(1)
    employee.attendances.create(date="2040-06-01")
    wish = {"employeeCode": "T00001", "startsOn": "2040-06-01", "endsOn": "2040-06-03"}

    asked = ask("POST", "/attendance/leave", wish)
    twice = ask("POST", "/attendance/leave", wish)
    decided = ask(
        "POST", f"/attendance/leave/{asked.json()['id']}/decision", {"status": "approved"}
    )
    again = ask("POST", f"/attendance/leave/{asked.json()['id']}/decision", {"status": "rejected"})

    assert (asked.status_code, asked.json()["status"]) == (201, "pending")
    assert twice.json()["errors"][0]["pointer"] == "#/startsOn"
    assert (decided.json()["status"], decided.json()["decidedBy"]) == ("approved", "admin")
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"Request {asked.json()['id']} is approved, so it cannot become rejected.",
    )
    assert Attendance.objects.get().status == "on_leave"


@pytest.mark.parametrize("ends_on", ["2040-05-31", "2041-06-03"])
def test_leave_of_impossible_days_is_refused(ask: Ask, ends_on: str) -> None:
    hire(1)
    wish = {"employeeCode": "T00001", "startsOn": "2040-06-01", "endsOn": ends_on}

    answer = ask("POST", "/attendance/leave", wish)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/endsOn")
    assert not LeaveRequest.objects.exists()


def test_requests_are_listed_by_state(ask: Ask) -> None:
    now = database_now()
    for employee, status in zip(hire(2), ("pending", "rejected"), strict=True):
        day = date(2040, 6, 1)
        employee.leave_requests.create(starts_on=day, ends_on=day, status=status, requested_at=now)

    listed = ask("GET", "/attendance/leave?status=pending").json()

    assert [each["employeeCode"] for each in listed["items"]] == ["T00001"]
