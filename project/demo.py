"""Demo data: a small company whose meetings are about to end and whose games recur.

Repeatable: its own meetings are moved to end soon again, everything else that exists stays as it
is. Nothing is random. Its meetings are those of an organiser of its own, its people those with the
code, the address and the birthday it gave them; what others have entered under the same name is not
touched.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import transaction

from project.demo_attendance import load_attendance, work_starts
from tasks.games.models import Game, GameSession, Weekday
from tasks.games.recurrence import Recurrence
from tasks.games.sessions import create_sessions_for_game, days_ahead
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status as MeetingStatus
from tasks.memberships.models import Membership
from tasks.people.demo_staff import Person, made_up_people
from tasks.people.models import Employee

MOST_EMPLOYEES = 10_000

ORGANISER = "downbeat-demo-organiser"
"""The account that holds the demo meetings; nobody can sign in with it."""

MEMBERS = (
    ("Gita Haddad", "monthly", -3),
    ("Omar Saleh", "monthly", 1),
    ("Nadia Siregar", "yearly", 200),
    ("Tariq Pratama", "founder", None),
)
"""Names, plans, and in how many days from the first loading they end."""

MEETINGS = (
    ("Stand-up", timedelta(minutes=1)),
    ("Client call: Borneo Foods", timedelta(minutes=2)),
    ("Sprint review", timedelta(minutes=5)),
    ("Interview: senior developer", timedelta(minutes=30)),
    ("Quarterly planning", timedelta(days=1)),
)
"""Titles, and how long after the loading they end."""


def load_demo(*, now: datetime, employees: int) -> list[str]:
    """Load everything and return one line for each area. `now` is aware."""
    now = now.astimezone(UTC)
    return [
        _people(employees, now=now),
        load_attendance(_demo_staff(), now=now),
        _meetings(now=now),
        _games(now=now),
        _memberships(now=now),
    ]


@transaction.atomic
def _people(count: int, *, now: datetime) -> str:
    staff = [_employee(person, now=now) for person in made_up_people(count)]
    before = Employee.objects.count()
    Employee.objects.bulk_create(staff, ignore_conflicts=True)
    after = Employee.objects.count()
    active = Employee.objects.active().count()
    return f"people: {after} employees, {active} of them active ({after - before} new)"


def _employee(person: Person, *, now: datetime) -> Employee:
    number = person.number
    return Employee(
        code=person.code,
        name=person.name,
        email=person.email,
        is_active=person.is_active,
        timezone=person.timezone,
        work_starts_at=work_starts(number),
        birth_date=_birth_date(number),
        hired_on=now.date() - timedelta(days=90 + 37 * (number % 60)),
    )


def _birth_date(number: int) -> date:
    return date(1970 + number % 30, 1 + number % 12, 1 + number % 28)


def _demo_staff() -> list[Employee]:
    """Return the active people of this and of earlier loadings, by code."""
    made = {
        # With the birthday, since the demo's directory server names the same people without it.
        (person.code, person.email, _birth_date(person.number))
        for person in made_up_people(MOST_EMPLOYEES)
    }
    rows = Employee.objects.active().filter(code__startswith="E").order_by("code")
    return [row for row in rows if (row.code, row.email, row.birth_date) in made]


@transaction.atomic
def _meetings(*, now: datetime) -> str:
    """Meetings of an earlier loading are moved, so that there is always one about to end."""
    locked = {"is_active": False, "password": make_password(None)}
    organiser, _ = User.objects.get_or_create(username=ORGANISER, defaults=locked)
    for title, ends_in in MEETINGS:
        earlier = Meeting.objects.filter(owner=organiser, title=title).order_by("pk").first()
        meeting = earlier or Meeting(owner=organiser, title=title)
        meeting.end_time = now + ends_in
        meeting.start_time = meeting.end_time - timedelta(hours=1)
        meeting.status = MeetingStatus.UPCOMING
        meeting.save()
    return f"meetings: {len(MEETINGS)} upcoming; they end in 1, 2, 5 and 30 minutes and tomorrow"


@transaction.atomic
def _games(*, now: datetime) -> str:
    first_day = date(2025, 1, 6)  # a Monday
    evening = time(19, 30)
    rules: dict[str, dict[str, object]] = {
        "Lunch Hold'em": {
            "recurrence": Recurrence.DAILY,
            "weekdays": [
                Weekday.MONDAY,
                Weekday.TUESDAY,
                Weekday.WEDNESDAY,
                Weekday.THURSDAY,
                Weekday.FRIDAY,
            ],
            "start_time": time(12, 0),
            "duration": timedelta(hours=1),
        },
        "Late Omaha": {"recurrence": Recurrence.DAILY, "start_time": time(21, 0)},
        "Friday Night Poker": {
            "recurrence": Recurrence.WEEKLY,
            "weekdays": [Weekday.FRIDAY],
            "start_time": evening,
            "duration": timedelta(hours=4),
        },
        "Weekend League": {
            "recurrence": Recurrence.WEEKLY,
            "weekdays": [Weekday.SATURDAY, Weekday.SUNDAY],
            "start_time": time(14, 0),
        },
        "Fortnightly Deepstack": {
            "recurrence": Recurrence.FORTNIGHTLY,
            "weekdays": [Weekday.THURSDAY],
            "start_time": evening,
        },
        "Monthly Main Event": {
            "recurrence": Recurrence.MONTHLY,
            "day_of_month": 15,
            "start_time": time(18, 0),
            "duration": timedelta(hours=6),
        },
    }
    created = 0
    for title, rule in rules.items():
        if Game.objects.filter(title=title).exists():
            continue  # somebody's own, or an earlier one, whose next sessions are the job's
        game = Game.objects.create(title=title, starts_on=first_day, **rule)
        days = days_ahead(game, at=now, count=settings.SESSION_LOOKAHEAD_DAYS)
        created += create_sessions_for_game(game, days)
    total = GameSession.objects.count()
    return f"games: {len(rules)} games, {total} sessions ({created} new)"


@transaction.atomic
def _memberships(*, now: datetime) -> str:
    for member, plan, ends_in in MEMBERS:
        ends_at = None if ends_in is None else now + timedelta(days=ends_in)
        times = {"starts_at": now - timedelta(days=165), "ends_at": ends_at}
        if not Membership.objects.filter(member=member, plan=plan).exists():
            Membership.objects.create(member=member, plan=plan, **times)
    over = Membership.objects.over(now).count()
    return f"memberships: {Membership.objects.count()}, {over} past the end and not yet expired"
