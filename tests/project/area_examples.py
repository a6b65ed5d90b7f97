"""The areas' part in the tests of the whole API: subjects to ask about, and what fits them."""

from datetime import date, time, timedelta
from typing import Any

from django.contrib.auth.models import User

from schedules.querysets.clock import database_now
from tasks.attendance.models import LeaveRequest
from tasks.games.models import Game
from tasks.meetings.models import Meeting
from tasks.memberships.models import Membership
from tasks.people.models import Employee

V1 = "/api/v1"
CODE = "E0001"

FITTING: dict[tuple[str, str], Any] = {
    (f"{V1}/people/employees", "post"): {"code": "E0002", "name": "Budi Santoso"},
    (f"{V1}/people/employees/{{code}}", "patch"): {"workStartsAt": "08:30", "email": "a@b.example"},
    (f"{V1}/meetings", "post"): {
        "title": "Sprint review",
        "startTime": "2040-06-01T10:00:00Z",
        "endTime": "2040-06-01T18:00:00+07:00",
    },
    (f"{V1}/meetings/{{meeting_id}}", "patch"): {"endTime": "2041-06-01T12:00:00Z"},
    (f"{V1}/attendance/clock-in", "post"): {"employeeCode": CODE, "at": "2020-05-06T08:30:00Z"},
    (f"{V1}/attendance/clock-out", "post"): {},
    (f"{V1}/attendance/punches", "post"): {
        "employeeCode": CODE,
        "at": "2020-05-06T08:30:00+07:00",
        "device": "gate-1",
        "direction": "in",
    },
    (f"{V1}/attendance/punches/bulk", "post"): {
        "punches": [{"employeeCode": CODE, "at": "2020-05-06T08:30:00Z"}, "no punch", {}]
    },
    (f"{V1}/attendance/leave", "post"): {"startsOn": "2040-06-01", "endsOn": "2040-06-02"},
    (f"{V1}/attendance/leave/{{leave_id}}/decision", "post"): {"status": "approved"},
    (f"{V1}/games", "post"): {
        "title": "Friday Night Poker",
        "startTime": "19:30",
        "startsOn": "2030-01-04",
        "weekdays": [4],
        "durationMinutes": 240,
    },
    (f"{V1}/games/{{game_id}}", "patch"): {"startTime": "20:00:00"},
    (f"{V1}/memberships", "post"): {
        "member": "Omar Haddad",
        "plan": "monthly",
        "startsAt": "2030-01-01T00:00:00Z",
    },
    (f"{V1}/memberships/{{membership_id}}", "patch"): {"endsAt": "2040-01-01T00:00:00Z"},
}
"""A body for each operation that takes one."""

BEYOND_SCHEMAS = {
    (f"{V1}/people/employees", "post"): "the zone, the address and the account must exist",
    (f"{V1}/people/employees/{{code}}", "patch"): "the same",
    (f"{V1}/meetings", "post"): "the end follows the start; the owner exists",
    (f"{V1}/meetings/{{meeting_id}}", "patch"): "the same",
    (f"{V1}/attendance/days", "get"): "years from 1900 to 2999",
    (f"{V1}/attendance/clock-in", "post"): "not in the future",
    (f"{V1}/attendance/clock-out", "post"): "there is a clock-in before it",
    (f"{V1}/attendance/punches", "post"): "not in the future, and printable",
    (f"{V1}/attendance/leave", "post"): "days in order, at most a year",
    (f"{V1}/games", "post"): "the zone exists, the days fit the recurrence",
    (f"{V1}/games/{{game_id}}", "patch"): "the same",
    (f"{V1}/games/{{game_id}}/sessions", "get"): "years from 1900 to 2999",
    (f"{V1}/memberships", "post"): "the end follows the start",
    (f"{V1}/memberships/{{membership_id}}", "patch"): "the same",
}
"""Operations that refuse what no schema can describe, and why."""


def make_subjects(user: User) -> dict[str, Any]:
    """Make one subject of each area, the user's own where it can be; return their path values."""
    now = database_now()
    Employee.objects.create(code="E9999", name="Entered By Mistake")
    employee = Employee.objects.create(code=CODE, name="Siti Rahma", user=user)
    employee.attendances.create(
        date=employee.local_day(now), clock_in_at=now - timedelta(hours=1), status="present"
    )
    in_years = now.replace(microsecond=0) + timedelta(days=3650)
    meeting = Meeting.objects.create(
        title="Stand-up", start_time=in_years, end_time=in_years + timedelta(hours=1), owner=user
    )
    leave = LeaveRequest.objects.create(
        employee=employee,
        starts_on=date(2041, 1, 1),
        ends_on=date(2041, 1, 2),
        requested_at=now,
    )
    game = Game.objects.create(
        title="Late Omaha", start_time=time(21), starts_on=date(2041, 1, 1), recurrence="daily"
    )
    membership = Membership.objects.create(
        member="Layla Saleh", plan="yearly", starts_at=now, ends_at=in_years
    )
    return {
        "code": "E9999",
        "meeting_id": meeting.pk,
        "leave_id": leave.pk,
        "game_id": game.pk,
        "membership_id": membership.pk,
    }
