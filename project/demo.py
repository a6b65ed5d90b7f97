"""Demo data: a small company whose meetings are about to end and whose games recur.

Repeatable: meetings are moved to end soon again, everything else that exists stays as it is.
Nothing is random.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from tasks.attendance.models import Attendance
from tasks.attendance.models import Status as AttendanceStatus
from tasks.games.models import Game, GameSession, Weekday
from tasks.games.recurrence import Recurrence
from tasks.games.sessions import create_sessions_for_game, days_ahead
from tasks.meetings.models import Meeting
from tasks.meetings.status import Status as MeetingStatus
from tasks.people.models import Employee

MOST_EMPLOYEES = 10_000

FIRST_NAMES = [
    "Adi",
    "Budi",
    "Citra",
    "Dewi",
    "Eka",
    "Farid",
    "Gita",
    "Hana",
    "Indra",
    "Joko",
    "Kartika",
    "Layla",
    "Made",
    "Nadia",
    "Omar",
    "Putri",
    "Rania",
    "Sari",
    "Tariq",
    "Utami",
    "Wayan",
    "Yusuf",
    "Zahra",
]
LAST_NAMES = [
    "Wijaya",
    "Santoso",
    "Rahma",
    "Nasution",
    "Hidayat",
    "Saleh",
    "Kusuma",
    "Lestari",
    "Haddad",
    "Pratama",
    "Siregar",
]

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
    with transaction.atomic():
        return [
            _people(employees, now=now),
            _attendance(now=now),
            _meetings(now=now),
            _games(now=now),
        ]


def _people(count: int, *, now: datetime) -> str:
    staff = [_employee(number, now=now) for number in range(1, count + 1)]
    before = Employee.objects.count()
    Employee.objects.bulk_create(staff, ignore_conflicts=True)
    after = Employee.objects.count()
    active = Employee.objects.active().count()
    return f"people: {after} employees, {active} of them active ({after - before} new)"


def _employee(number: int, *, now: datetime) -> Employee:
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number * 7 % len(LAST_NAMES)]
    return Employee(
        code=f"E{number:04}",
        name=f"{first} {last}",
        email=f"{first}.{last}.{number}@example.com".lower(),
        is_active=number % 12 != 0,
        birth_date=date(1970 + number % 30, 1 + number % 12, 1 + number % 28),
        hired_on=now.date() - timedelta(days=90 + 37 * (number % 60)),
    )


def _attendance(*, now: datetime) -> str:
    """The last seven days, without today: that row is the morning job's."""
    before = Attendance.objects.count()
    staff = list(Employee.objects.active().filter(code__startswith="E"))
    rows = [
        _attendance_row(employee, employee.local_day(now) - timedelta(days=ago))
        for employee in staff
        for ago in range(1, 8)
    ]
    working_days = [
        row for row in rows if row.date.weekday() not in (Weekday.SATURDAY, Weekday.SUNDAY)
    ]
    Attendance.objects.bulk_create(working_days, ignore_conflicts=True)
    after = Attendance.objects.count()
    return f"attendance: {after} rows, today's are made by the morning job ({after - before} new)"


def _attendance_row(employee: Employee, day: date) -> Attendance:
    dice = (employee.pk * 31 + day.toordinal() * 17) % 20
    row = Attendance(employee=employee, date=day)
    if dice in {0, 1}:
        row.status = AttendanceStatus.ON_LEAVE if dice else AttendanceStatus.ABSENT
        return row
    is_late = dice in {2, 3}
    row.status = AttendanceStatus.LATE if is_late else AttendanceStatus.PRESENT
    begin = time(9, 20 + dice) if is_late else time(8, 30 + dice)
    row.clock_in_at = datetime.combine(day, begin, tzinfo=ZoneInfo(employee.timezone)).astimezone(
        UTC
    )
    row.clock_out_at = row.clock_in_at + timedelta(hours=8, minutes=20 + dice)
    return row


def _meetings(*, now: datetime) -> str:
    """Meetings of an earlier loading are moved, so that there is always one about to end."""
    for title, ends_in in MEETINGS:
        end = now + ends_in
        times = {"start_time": end - timedelta(hours=1), "end_time": end}
        Meeting.objects.update_or_create(
            title=title, defaults={**times, "status": MeetingStatus.UPCOMING}
        )
    return f"meetings: {len(MEETINGS)} upcoming; they end in 1, 2, 5 and 30 minutes and tomorrow"


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
        game, _ = Game.objects.get_or_create(title=title, defaults={"starts_on": first_day, **rule})
        days = days_ahead(game, at=now, count=settings.SESSION_LOOKAHEAD_DAYS)
        created += create_sessions_for_game(game, days)
    total = GameSession.objects.count()
    return f"games: {len(rules)} games, {total} sessions ({created} new)"
