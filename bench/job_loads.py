"""The loads of the job benchmarks: what is there before, the bare INSERT beside it, the job."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, ClassVar, TypeVar

from celery import Task
from django.conf import settings
from django.db import connection, models, transaction

from schedules.models import Run
from schedules.states import Origin
from tasks.attendance.jobs import auto_create_daily_attendance, sync_attendance_logs
from tasks.attendance.models import Attendance, Direction, PunchLog
from tasks.games.jobs import generate_upcoming_game_sessions
from tasks.games.models import Game, GameSession
from tasks.meetings.jobs import recover_meetings
from tasks.meetings.models import MEETING_ENDS, Meeting
from tasks.people.models import Employee

AT = datetime(2030, 5, 6, 17, 30, tzinfo=UTC)
"""The nominal instant of the runs: half past midnight on the 7th in Jakarta, a Tuesday."""

TODAY = date(2030, 5, 7)
AT_ONCE = 1000
"""Rows of one INSERT and transaction, of the bare one too."""

Row = TypeVar("Row", bound=models.Model)


class Load(ABC):
    """One job with many subjects."""

    name: ClassVar[str]
    task: ClassVar[Task[Any, Any]]
    subjects: ClassVar[int]
    """How many at scale 1."""

    def __init__(self, count: int) -> None:
        self.count = count

    @abstractmethod
    def prepare(self) -> None:
        """Write what is there before the job runs."""

    @abstractmethod
    def insert(self) -> int:
        """Write the rows with bare bulk INSERTs; return how many."""

    @abstractmethod
    def clear(self) -> None:
        """Delete what `insert` wrote and the job is to write."""

    @abstractmethod
    def written(self) -> int:
        """Count the rows that the job has written."""

    @abstractmethod
    def expected(self) -> int:
        """How many these must be."""


class DailyAttendance(Load):
    """An absent row for every employee."""

    name = "attendance"
    task = auto_create_daily_attendance
    subjects = 100_000

    def prepare(self) -> None:
        _write(Employee, _employees(self.count))

    def insert(self) -> int:
        ids = Employee.objects.order_by("pk").values_list("pk", flat=True).iterator()
        return _write(Attendance, (Attendance(employee_id=pk, date=TODAY) for pk in ids))

    def clear(self) -> None:
        _empty(Attendance)

    def written(self) -> int:
        return Attendance.objects.filter(date=TODAY).count()

    def expected(self) -> int:
        return self.count


class GameSessions(Load):
    """The sessions of daily games over thirty days."""

    name = "sessions"
    task = generate_upcoming_game_sessions
    subjects = 10_000
    days = 30

    def prepare(self) -> None:
        settings.SESSION_LOOKAHEAD_DAYS = self.days
        _write(
            Game,
            (
                Game(title=f"G{n}", recurrence="daily", start_time=time(19, 30), starts_on=TODAY)
                for n in range(self.count)
            ),
        )

    def insert(self) -> int:
        ids = Game.objects.order_by("pk").values_list("pk", flat=True).iterator()
        return _write(GameSession, (row for pk in ids for row in self._sessions(pk)))

    def _sessions(self, game_id: int) -> Iterator[GameSession]:
        for n in range(self.days):
            starts_at = AT + timedelta(days=n)
            day, ends_at = TODAY + timedelta(days=n), starts_at + timedelta(hours=2)
            yield GameSession(game_id=game_id, date=day, starts_at=starts_at, ends_at=ends_at)

    def clear(self) -> None:
        _empty(GameSession)

    def written(self) -> int:
        return GameSession.objects.count()

    def expected(self) -> int:
        return self.count * self.days


class PunchSync(Load):
    """Punches of twenty days, in and out, as the devices report them: day by day."""

    name = "punches"
    task = sync_attendance_logs
    subjects = 1_000_000
    days = 20

    def prepare(self) -> None:
        self.people = max(1, self.count // (2 * self.days))
        _write(Employee, _employees(self.people))

    def insert(self) -> int:
        """The punches themselves: they are what the job reads, and stay."""
        return _write(PunchLog, self._punches())

    def _punches(self) -> Iterator[PunchLog]:
        for back in range(self.days, 0, -1):
            for direction, hour in ((Direction.IN, 1), (Direction.OUT, 10)):
                at = datetime.combine(TODAY - timedelta(days=back), time(hour), tzinfo=UTC)
                for n in range(self.people):
                    yield PunchLog(
                        employee_code=_code(n),
                        at=at + timedelta(seconds=n % 3600),
                        device=f"gate-{n % 4}",
                        direction=direction,
                    )

    def clear(self) -> None:
        pass

    def written(self) -> int:
        return Attendance.objects.filter(clock_in_at__isnull=False).count()

    def expected(self) -> int:
        return self.people * self.days


class MeetingRecovery(Load):
    """A run for every meeting; none has one, as after a restored backup."""

    name = "meetings"
    task = recover_meetings
    subjects = 100_000

    def prepare(self) -> None:
        hour = timedelta(hours=1)
        ends = (datetime.now(UTC) + timedelta(days=365, seconds=n) for n in range(self.count))
        rows = (Meeting(title="M", start_time=end - hour, end_time=end) for end in ends)
        while batch := list(islice(rows, AT_ONCE)):
            # Django's own: the meetings' own would park the runs at once.
            models.QuerySet[Meeting](Meeting).bulk_create(batch)

    def insert(self) -> int:
        rows = Meeting.objects.order_by("pk").values_list("pk", "end_time").iterator()
        return _write(Run, (self._run(pk, end) for pk, end in rows))

    def _run(self, meeting_id: int, end: datetime) -> Run:
        return Run(
            origin=Origin.CALL,
            natural_key=MEETING_ENDS.key(meeting_id),
            task=MEETING_ENDS.task,
            args=[meeting_id],
            options={"on_lost": "retry"},
            scheduled_at=end,
            due_at=end,
            publish_at=end,
        )

    def clear(self) -> None:
        runs = Run.objects.filter(task=MEETING_ENDS.task)
        runs._raw_delete(runs.db)  # the other way reads them all first

    def written(self) -> int:
        return Run.objects.filter(task=MEETING_ENDS.task).count()

    def expected(self) -> int:
        return self.count


LOADS: dict[str, type[Load]] = {
    load.name: load for load in (DailyAttendance, GameSessions, PunchSync, MeetingRecovery)
}


def _write(model: type[Row], rows: Iterable[Row]) -> int:
    """Insert the rows, a batch in a transaction, with nothing around it; return how many."""
    rows, count = iter(rows), 0
    while batch := list(islice(rows, AT_ONCE)):
        with transaction.atomic():
            model._default_manager.bulk_create(batch)
        count += len(batch)
    return count


def _empty(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608


def _employees(count: int) -> Iterator[Employee]:
    return (Employee(code=_code(n), name=f"Employee {n}") for n in range(count))


def _code(number: int) -> str:
    return f"B{number:06}"
