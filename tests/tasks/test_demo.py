"""The demo company: believable at once, and the same after a second loading."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from project.demo import load_demo
from tasks.attendance.models import Attendance, LeaveRequest, PunchLog, Status
from tasks.games.models import Game, GameSession
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status as MeetingStatus
from tasks.memberships.models import Membership
from tasks.people.demo_staff import made_up_people
from tasks.people.models import Employee
from tests.tasks.meetings.meetings import scheduled

pytestmark = pytest.mark.django_db

NOW = datetime(2040, 6, 1, 3, tzinfo=UTC)


def counts() -> list[int]:
    business = (Employee, Meeting, Game, GameSession, Membership)
    attendance = (Attendance, PunchLog, LeaveRequest)
    return [model.objects.count() for model in (*business, *attendance)]


def test_the_command_prints_one_line_for_each_area() -> None:
    printed = StringIO()

    call_command("demo", employees=25, stdout=printed)

    areas = [line.partition(":")[0] for line in printed.getvalue().splitlines()]
    assert areas == ["people", "attendance", "meetings", "games", "memberships"]
    assert all(counts())


def test_a_second_loading_makes_nothing_twice_and_moves_the_meetings() -> None:
    load_demo(now=NOW, employees=25)
    before = counts()
    Meeting.objects.update(status=MeetingStatus.DONE)

    load_demo(now=NOW + timedelta(minutes=10), employees=25)

    assert counts() == before
    soonest = sorted(scheduled().values())
    assert soonest[0] == NOW + timedelta(minutes=11)
    assert soonest[-1] == NOW + timedelta(days=1, minutes=10)


def test_the_last_month_has_every_kind_of_day() -> None:
    load_demo(now=NOW, employees=25)

    assert set(Attendance.objects.values_list("status", flat=True)) == set(Status)
    nights = Attendance.objects.filter(employee__code="E0009", clock_out_at__isnull=False)
    night = nights.latest("date")
    assert night.clock_in_at is not None
    assert night.clock_in_at.astimezone(UTC).hour in (14, 15)
    assert {request.status for request in LeaveRequest.objects.all()} == {"approved", "pending"}


def test_a_company_can_grow() -> None:
    load_demo(now=NOW, employees=5)

    load_demo(now=NOW, employees=30)

    assert Employee.objects.count() == 30


def everything_of(*people: Employee) -> list[int]:
    codes = [person.code for person in people]
    return [
        Attendance.objects.filter(employee__in=people).count(),
        LeaveRequest.objects.filter(employee__in=people).count(),
        PunchLog.objects.filter(employee_code__in=codes).count(),
    ]


def test_employees_of_ones_own_get_no_made_up_days() -> None:
    same_code = Employee.objects.create(code="E0003", name="Real", email="real@company.test")
    like_it = Employee.objects.create(code="EAST-3", name="Real Too")
    Employee.objects.filter(pk__in=[same_code.pk, like_it.pk]).update(work_starts_at="09:00")

    load_demo(now=NOW, employees=25)

    assert everything_of(same_code, like_it) == [0, 0, 0]
    assert Attendance.objects.exists()
    same_code.refresh_from_db()
    assert same_code.name == "Real"


def test_people_of_the_demo_directory_get_no_made_up_days() -> None:
    load_demo(now=NOW, employees=5)
    before = counts()
    for person in list(made_up_people(9))[5:]:
        Employee.objects.create(code=person.code, name=person.name, email=person.email)

    load_demo(now=NOW, employees=5)

    assert counts() == [before[0] + 4, *before[1:]]


def test_what_others_gave_the_same_title_stays_as_it_is() -> None:
    times = {"start_time": NOW, "end_time": NOW + timedelta(hours=9)}
    rule = {"title": "Late Omaha", "start_time": time(8), "starts_on": date(2040, 1, 1)}
    for _ in range(2):
        Meeting.objects.create(title="Stand-up", **times)
        Game.objects.create(**rule)
        Membership.objects.create(member="Omar Saleh", plan="monthly", starts_at=NOW)
    games = list(Game.objects.values())
    meetings = list(Meeting.objects.values())

    for _ in range(2):
        load_demo(now=NOW, employees=1)

    assert list(Meeting.objects.filter(pk__in=[row["id"] for row in meetings]).values()) == meetings
    assert Meeting.objects.count() == 2 + 5
    assert list(Game.objects.filter(title="Late Omaha").values()) == games
    assert not GameSession.objects.filter(game__title="Late Omaha").exists()
    assert Membership.objects.filter(member="Omar Saleh").count() == 2


@pytest.mark.parametrize("count", ["0", "-1", "many", "10001"])
def test_a_size_that_is_none_is_refused_in_one_sentence(count: str) -> None:
    with pytest.raises(
        CommandError, match=f"--employees: '{count}' is not a whole number from 1 to 10000."
    ):
        call_command("demo", f"--employees={count}")
