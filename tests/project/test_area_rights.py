"""Who may do what in the areas: every operation of the document against a table written by hand."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from project.roles import ensure_roles
from schedules.access import create_token
from schedules.api.site import api as site
from schedules.querysets.clock import database_now
from tasks.attendance.models import LeaveRequest
from tasks.games.models import Game
from tasks.meetings.models import Meeting
from tasks.memberships.models import Membership
from tasks.people.models import Employee
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

ROLES = ("anonymous", "employee", "hr-admin", "super-admin")
GROUPS = {"employee": "Employee", "hr-admin": "HR Admin", "super-admin": "Super Admin"}
V1 = "/api/v1"

# For each operation about somebody else's things: the body, and what each of ROLES is answered.
OTHERS: dict[str, tuple[Any, tuple[int, int, int, int]]] = {
    f"GET {V1}/people/employees": (None, (401, 200, 200, 200)),
    f"POST {V1}/people/employees": ({"code": "E9", "name": "Nine"}, (401, 403, 201, 201)),
    f"GET {V1}/people/employees/{{code}}": (None, (401, 403, 200, 200)),
    f"PATCH {V1}/people/employees/{{code}}": ({"name": "Other"}, (401, 403, 200, 200)),
    f"DELETE {V1}/people/employees/{{code}}": (None, (401, 403, 409, 409)),
    f"GET {V1}/meetings": (None, (401, 200, 200, 200)),
    f"POST {V1}/meetings": (
        {"title": "x", "startTime": "2040-01-01T00:00Z", "endTime": "2040-01-01T01:00Z"},
        (401, 201, 201, 201),
    ),
    f"GET {V1}/meetings/{{meeting_id}}": (None, (401, 404, 404, 200)),
    f"PATCH {V1}/meetings/{{meeting_id}}": ({"title": "y"}, (401, 404, 404, 200)),
    f"POST {V1}/meetings/{{meeting_id}}/cancel": (None, (401, 404, 404, 200)),
    f"DELETE {V1}/meetings/{{meeting_id}}": (None, (401, 404, 404, 204)),
    f"GET {V1}/attendance/days": (None, (401, 200, 200, 200)),
    f"POST {V1}/attendance/clock-in": ({"employeeCode": "E1"}, (401, 403, 200, 200)),
    f"POST {V1}/attendance/clock-out": ({"employeeCode": "E1"}, (401, 403, 200, 200)),
    f"GET {V1}/attendance/punches": (None, (401, 403, 200, 200)),
    f"POST {V1}/attendance/punches": (
        {"employeeCode": "E1", "at": "2020-01-01T00:00:00Z"},
        (401, 403, 201, 201),
    ),
    f"POST {V1}/attendance/punches/bulk": ({"punches": [{}]}, (401, 403, 200, 200)),
    f"GET {V1}/attendance/leave": (None, (401, 200, 200, 200)),
    f"POST {V1}/attendance/leave": (
        {"employeeCode": "E1", "startsOn": "2042-01-01", "endsOn": "2042-01-01"},
        (401, 403, 201, 201),
    ),
    f"GET {V1}/attendance/leave/{{leave_id}}": (None, (401, 404, 200, 200)),
    f"POST {V1}/attendance/leave/{{leave_id}}/decision": (
        {"status": "approved"},
        (401, 404, 200, 200),
    ),
    f"GET {V1}/games": (None, (401, 403, 403, 200)),
    f"POST {V1}/games": (
        {"title": "x", "startTime": "19:30", "startsOn": "2040-01-01", "weekdays": [6]},
        (401, 403, 403, 201),
    ),
    f"GET {V1}/games/{{game_id}}": (None, (401, 403, 403, 200)),
    f"PATCH {V1}/games/{{game_id}}": ({"title": "y"}, (401, 403, 403, 200)),
    f"GET {V1}/games/{{game_id}}/sessions": (None, (401, 403, 403, 200)),
    f"DELETE {V1}/games/{{game_id}}": (None, (401, 403, 403, 204)),
    f"GET {V1}/memberships": (None, (401, 403, 403, 200)),
    f"POST {V1}/memberships": (
        {"member": "x", "plan": "monthly", "startsAt": "2040-01-01T00:00:00Z"},
        (401, 403, 403, 201),
    ),
    f"GET {V1}/memberships/{{membership_id}}": (None, (401, 403, 403, 200)),
    f"PATCH {V1}/memberships/{{membership_id}}": ({"plan": "y"}, (401, 403, 403, 200)),
    f"POST {V1}/memberships/{{membership_id}}/cancel": (None, (401, 403, 403, 200)),
}

NOON = datetime(2040, 6, 1, 12, tzinfo=UTC)


def subjects(owner: User | None) -> dict[str, Any]:
    """One of everything, of the employee E1 whose account is `owner`."""
    employee = Employee.objects.create(code="E1", name="One", user=owner)
    hour = timedelta(hours=1)
    meeting = Meeting.objects.create(title="x", start_time=NOON, end_time=NOON + hour, owner=owner)
    now = database_now()
    day = date(2041, 1, 1)
    leave = LeaveRequest.objects.create(
        employee=employee, starts_on=day, ends_on=day, requested_at=now
    )
    game = Game.objects.create(title="x", start_time=time(21), starts_on=day, weekdays=[1])
    membership = Membership.objects.create(member="x", plan="yearly", starts_at=now)
    return {
        "code": "E1",
        "meeting_id": meeting.pk,
        "leave_id": leave.pk,
        "game_id": game.pk,
        "membership_id": membership.pk,
    }


def client_of(role: str) -> tuple[Api, User | None]:
    """A client in the group of this role, and its account."""
    if role not in GROUPS:
        return Api(), None
    ensure_roles()
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=GROUPS[role]))
    return Api(create_token(user, now=database_now()).raw), user


def test_every_operation_of_the_areas_is_in_the_table() -> None:
    operations = [
        f"{method.upper()} {path}"
        for path, methods in site.get_openapi_schema()["paths"].items()
        for method in methods
        if not path.startswith((f"{V1}/scheduler/", f"{V1}/scheduled-jobs/"))
    ]

    assert sorted(operations) == sorted(OTHERS)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_the_answers_of_the_table_for_what_is_anothers(role: str) -> None:
    ask, user = client_of(role)
    if user is not None:
        Employee.objects.create(code="E2", name="Two", user=user)
    values = subjects(owner=None)

    answers = {}
    for operation, (body, _) in OTHERS.items():
        method, _, path = operation.format(**values).partition(" ")
        answers[operation] = ask(method, path, body).status_code

    place = ROLES.index(role)
    assert answers == {operation: wanted[place] for operation, (_, wanted) in OTHERS.items()}


def test_an_employee_sees_and_does_what_is_his_own() -> None:
    ask, user = client_of("employee")
    values = subjects(owner=user)
    Employee.objects.create(code="E2", name="Two")
    own = [
        ("GET", "/people/employees/E1", None, 200),
        ("GET", "/meetings/{meeting_id}", None, 200),
        ("PATCH", "/meetings/{meeting_id}", {"title": "y"}, 200),
        ("POST", "/attendance/clock-in", None, 200),
        ("POST", "/attendance/clock-out", {}, 200),
        ("POST", "/attendance/leave/{leave_id}/decision", {"status": "approved"}, 403),
        ("POST", "/attendance/leave/{leave_id}/decision", {"status": "withdrawn"}, 200),
        ("POST", "/attendance/clock-in", {"at": "2020-01-01T00:00:00Z"}, 403),
        ("POST", "/attendance/leave", {"startsOn": "2042-01-01", "endsOn": "2042-01-02"}, 201),
        ("POST", "/meetings/{meeting_id}/cancel", None, 200),
        ("DELETE", "/meetings/{meeting_id}", None, 204),
    ]

    answers = [ask(verb, V1 + path.format(**values), body) for verb, path, body, _ in own]
    staff = ask("GET", f"{V1}/people/employees").json()

    assert [answer.status_code for answer in answers] == [status for *_, status in own]
    assert [each["code"] for each in staff["items"]] == ["E1"]


def test_an_account_of_no_employee_is_told_so() -> None:
    ask, _ = client_of("employee")

    answer = ask("POST", f"{V1}/attendance/clock-in")

    assert answer.status_code == 403
    assert answer.json()["detail"] == "The account 'employee' belongs to no employee."


def test_an_address_of_the_api_may_end_in_a_slash() -> None:
    ask, _ = client_of("super-admin")

    assert ask("GET", f"{V1}/games/").json() == ask("GET", f"{V1}/games").json()
    assert ask("GET", f"{V1}/nothing/").status_code == 404
    assert ask("POST", f"{V1}/meetings/", {}).status_code == 422
