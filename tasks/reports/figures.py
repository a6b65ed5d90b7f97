"""The numbers behind the letters, read from attendance and employees."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q, QuerySet

from tasks.attendance.models import Attendance, Status
from tasks.people.models import Employee


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """One day: how many of each status, and the names of who was not there or late."""

    day: date
    counts: dict[str, int]
    absent: list[str]
    late: list[str]
    on_leave: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekFigures:
    """A week from Monday to Sunday: how many of each status, by day and altogether."""

    monday: date
    days: dict[date, dict[str, int]]

    @property
    def sunday(self) -> date:
        """The last day."""
        return self.monday + timedelta(days=6)

    @property
    def total(self) -> dict[str, int]:
        """The sums over the days."""
        return {
            str(status): sum(counts[str(status)] for counts in self.days.values())
            for status in Status
        }


def figures_of_day(day: date) -> DayFigures:
    """Return the figures of `day`."""
    named = Attendance.objects.filter(date=day).exclude(status=Status.PRESENT)
    names: dict[str, list[str]] = defaultdict(list)
    ordered = named.order_by("employee__name", "employee__code")
    for status, name in ordered.values_list("status", "employee__name"):
        names[status].append(name)
    return DayFigures(
        day=day,
        counts=Attendance.objects.count_by_status(day),
        absent=names[Status.ABSENT],
        late=names[Status.LATE],
        on_leave=names[Status.ON_LEAVE],
    )


def figures_of_week(monday: date) -> WeekFigures:
    """Return the figures of the seven days from `monday` on."""
    days = {monday + timedelta(days=n): {str(status): 0 for status in Status} for n in range(7)}
    counted = rows_of_week(monday).order_by().values_list("date", "status")
    for day, status, count in counted.annotate(Count("pk")):
        days[day][status] = count
    return WeekFigures(monday=monday, days=days)


def rows_of_week(monday: date) -> QuerySet[Attendance]:
    """Return the attendance of the seven days from `monday` on, by day and employee."""
    week = (monday, monday + timedelta(days=6))
    rows = Attendance.objects.filter(date__range=week).select_related("employee")
    return rows.order_by("date", "employee__code")


def birthdays_on(day: date) -> list[str]:
    """Return the names of active employees whose birthday is on `day`.

    29 February is celebrated on 28 February in years that have no 29th.
    """
    same_day = Q(birth_date__month=day.month, birth_date__day=day.day)
    if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
        same_day |= Q(birth_date__month=2, birth_date__day=29)
    born = Employee.objects.active().filter(same_day)
    return list(born.order_by("name", "code").values_list("name", flat=True))
