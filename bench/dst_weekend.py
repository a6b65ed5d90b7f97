"""`./run python -m bench.dst_weekend`: weekends on which a clock is changed, in virtual time.

Jobs made as on the stock page go through the real planning on a real database, which is given the
time; beside them stands what stock Celery Beat does with the same crontabs under the same clock.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django_celery_beat.tzcrontab import TzAwareCrontab

MINUTE = timedelta(minutes=1)
STOCK_SLEEPS_AT_MOST = timedelta(seconds=5)
A_SEND_TAKES = timedelta(milliseconds=1)
"""Of virtual time; a storm would otherwise stand still."""

AROUND = timedelta(hours=18)
"""How long before and after the change is looked at."""

A_STORM = 1000
"""So many sends in a minute are counted; a storm would go on."""

FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekend:
    """One change of a clock, and the time of day that it skips or repeats."""

    zone: str
    way: str
    change: datetime
    inside: str

    @property
    def expressions(self) -> tuple[str, ...]:
        """Jobs at every quarter, every hour, midnight, and in the middle of the change."""
        return ("*/15 * * * *", "0 * * * *", "0 0 * * *", f"{self.inside} * * *")


def _weekend(zone: str, way: str, change: str, inside: str) -> Weekend:
    return Weekend(zone=zone, way=way, change=datetime.fromisoformat(change), inside=inside)


WEEKENDS = (
    _weekend("Australia/Sydney", "forward", "2026-10-03T16:00:00Z", "30 2"),
    _weekend("Australia/Sydney", "back", "2026-04-04T16:00:00Z", "30 2"),
    _weekend("Australia/Lord_Howe", "forward", "2026-10-03T15:30:00Z", "15 2"),
    _weekend("Australia/Lord_Howe", "back", "2026-04-04T15:00:00Z", "45 1"),
    _weekend("Europe/Berlin", "forward", "2026-03-29T01:00:00Z", "30 2"),
    _weekend("Europe/Berlin", "back", "2026-10-25T01:00:00Z", "30 2"),
    _weekend("Asia/Beirut", "forward", "2026-03-28T22:00:00Z", "30 0"),
    _weekend("Asia/Beirut", "back", "2026-10-24T21:00:00Z", "30 23"),
)


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What became of one job over one weekend."""

    weekend: Weekend
    expression: str
    ours: list[datetime]
    stock: list[datetime]
    stock_started_then: int = 0
    """Sends of a stock Beat in its first minute, if it starts five minutes after the change."""
    ours_started_then: int = 0

    @property
    def missing(self) -> list[datetime]:
        """Minutes in which a run is due and stock Beat sends nothing."""
        return sorted(set(self.ours) - set(self.stock))

    @property
    def besides(self) -> list[datetime]:
        """Minutes in which stock Beat sends although nothing is due, or once too often."""
        once = set(self.ours)
        rest = [instant for instant in self.stock if instant not in once]
        return sorted(rest + [i for i in once for _ in range(self.stock.count(i) - 1)])

    def as_json(self) -> dict[str, Any]:
        """Everything, instants as ISO text."""
        return {
            "zone": self.weekend.zone,
            "way": self.weekend.way,
            "change": _text(self.weekend.change),
            "expression": self.expression,
            "ours": [_text(instant) for instant in self.ours],
            "stock": [_text(instant) for instant in self.stock],
            "stock_never_sends": [_text(instant) for instant in self.missing],
            "stock_sends_besides": [_text(instant) for instant in self.besides],
            "ours_in_first_minute_when_started_then": self.ours_started_then,
            "stock_in_first_minute_when_started_then": self.stock_started_then,
        }


class VirtualCrontab(TzAwareCrontab):  # type: ignore[misc]
    """django-celery-beat's crontab under a clock that is told the time."""

    now_is = datetime.min.replace(tzinfo=UTC)

    def nowfunc(self) -> datetime:
        """The virtual time, in the crontab's zone."""
        return self.now_is.astimezone(self.tz)


@dataclass(slots=True)
class StockBeat:
    """The loop of Celery's Beat around one crontab: ask, send, sleep."""

    expression: str
    zone: str
    sent: list[datetime] = field(default_factory=list)

    def run(self, begin: datetime, end: datetime) -> list[datetime]:
        """Run from `begin` to `end` and return when it sent, to the second."""
        fields = dict(zip(FIELDS, self.expression.split(), strict=True))
        crontab = VirtualCrontab(**fields, tz=ZoneInfo(self.zone))
        now = last_run_at = begin
        while now < end and len(self.sent) < A_STORM:
            crontab.now_is = now
            is_due, seconds = crontab.is_due(last_run_at)
            if is_due:
                self.sent.append(now.replace(microsecond=0))
                last_run_at = now
                now += A_SEND_TAKES
            else:
                now += min(timedelta(seconds=max(seconds, 0.001)), STOCK_SLEEPS_AT_MOST)
        return self.sent


def run_ours(
    expressions: Sequence[str], zone: str, begin: datetime, end: datetime
) -> dict[str, list[datetime]]:
    """Let the real planning run from `begin` to `end`, woken whenever something is due, and return
    the occurrences that got a run. Leaves its rows in the database.
    """
    from django_celery_beat.models import CrontabSchedule, PeriodicTask

    from schedules.dispatch import absorb_edits, plan_due
    from schedules.models import Job, Run, Touched

    keys = {each: f"{each} {zone} {begin:%FT%TZ}".replace("/", ":") for each in expressions}
    for expression, key in keys.items():
        fields = dict(zip(FIELDS, expression.split(), strict=True))
        crontab, _ = CrontabSchedule.objects.get_or_create(**fields, timezone=zone)
        PeriodicTask.objects.create(name=key, task=a_declared_task(), crontab=crontab)
    Touched.objects.update(at=begin)
    absorb_edits(now=begin)
    jobs = Job.objects.filter(key__in=keys.values(), next_due_at__isnull=False)
    now: datetime | None = begin
    while now is not None and now <= end:
        plan_due(now=now)
        now = jobs.order_by("next_due_at").values_list("next_due_at", flat=True).first()
    found: dict[str, list[datetime]] = {}
    for expression, key in keys.items():
        runs = Run.objects.filter(job__key=key).order_by("scheduled_at")
        found[expression] = list(runs.values_list("scheduled_at", flat=True))
    jobs.update(next_due_at=None)  # the next weekend's clock is not theirs
    return found


def a_declared_task() -> str:
    """Return the Celery name of a task that needs no arguments; it is only planned."""
    from schedules.registry import all_declared

    return next(one.task for one in all_declared() if one.timetable and not one.kwargs)


def compare(weekend: Weekend, *, around: timedelta = AROUND) -> Iterator[Comparison]:
    """Yield what became of each of the weekend's jobs."""
    begin, end = weekend.change - around - MINUTE / 2, weekend.change + around + MINUTE / 2
    ours = run_ours(weekend.expressions, weekend.zone, begin, end)
    inside = weekend.change + 5.5 * MINUTE
    started = run_ours(weekend.expressions, weekend.zone, inside, inside + MINUTE)
    for expression in weekend.expressions:
        yield Comparison(
            weekend=weekend,
            expression=expression,
            ours=ours[expression],
            stock=StockBeat(expression, weekend.zone).run(begin, end),
            ours_started_then=len(started[expression]),
            stock_started_then=len(
                StockBeat(expression, weekend.zone).run(inside, inside + MINUTE)
            ),
        )


def table(comparisons: Sequence[Comparison]) -> str:
    """Return the comparison for a person, one line for each job."""
    head = ("zone", "clock", "job", "ours", "stock", "stock never sends at", "stock also sends at")
    rows = [(*head, "stock started just after it")]
    for one in comparisons:
        storm = one.stock_started_then
        rows.append(
            (
                one.weekend.zone,
                one.weekend.way,
                one.expression,
                str(len(one.ours)),
                str(len(one.stock)),
                _some(one.missing),
                _some(one.besides),
                f"{storm} sends in {storm} ms" if storm > one.ours_started_then else "-",
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _some(instants: Sequence[datetime], most: int = 4) -> str:
    shown = " ".join(f"{instant:%d.%H:%MZ}" for instant in instants[:most])
    rest = len(instants) - most
    return f"{shown} +{rest}" if rest > 0 else shown or "-"


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%FT%TZ}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.dst_weekend", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    zones = sorted({weekend.zone for weekend in WEEKENDS})
    parser.add_argument("--zone", choices=zones, help="this one's weekends only")
    options = parser.parse_args(arguments)
    weekends = [one for one in WEEKENDS if options.zone in (None, one.zone)]
    with tempfile.TemporaryDirectory(prefix="downbeat-dst-") as folder:
        _set_up(folder)
        found = [one for weekend in weekends for one in compare(weekend)]
    if options.json:
        print(json.dumps({"items": [one.as_json() for one in found]}))  # noqa: T201 - the result
    else:
        print(table(found))  # noqa: T201
    return 0


def _set_up(folder: str) -> None:
    """Make an empty database in `folder`."""
    import django
    from django.core.management import call_command

    os.environ |= {"DATA_DIR": folder, "DATABASE_URL": "", "LOG_LEVEL": "WARNING"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    django.setup()
    import project.celery

    project.celery.app.loader.import_default_modules()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
