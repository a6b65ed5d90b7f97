"""What an edit would do, before it is saved: when the job runs next, and what becomes of its runs.

The timetable that would be in force is put together here from what was entered, as `update_job` and
Beat put it together from the rows; nothing is written and nothing is locked.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any, cast
from zoneinfo import ZoneInfo

from schedules.adapters.periodic import days_of
from schedules.adapters.validation import check_jitter
from schedules.dispatch.versions import decided_until
from schedules.errors import InvalidInput
from schedules.models import Calendar, Job
from schedules.operations.edit import says_the_same
from schedules.operations.foresight import Overlaps, Rush, busiest_minutes, overlaps_of
from schedules.operations.soundness import check_bounds, check_policy
from schedules.operations.timetables import current_timetable, read_entered
from schedules.operations.upcoming import timetable_of
from schedules.timing import (
    At,
    ClockMark,
    DayOff,
    Difference,
    Every,
    Timetable,
    bounds_of,
    core_of,
    difference,
    in_force,
    marked,
    next_changes,
    occurrences_between,
    zone_of,
)

INSTANT = timedelta(microseconds=1)
COMPARED = timedelta(days=31)
"""Up to whose beginning an edit is compared: thirty whole days, and the rest of today."""

AROUND_A_CHANGE = timedelta(days=1)
CHANGES = 2
"""Changes of the clock, around each of which an edit is compared too."""

MOST_COMPARED = 10_000
"""Occurrences of each of the two timetables that are compared; of more, the first."""

MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time in which the two timetables are compared: from `begin` on, up to and without `end`."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What an edit changes within the spans; only up to `until` where there was too much."""

    difference: Difference
    spans: Sequence[Span]
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be, if it were saved now."""

    timetable: Timetable
    zone: str
    is_enabled: bool
    occurrences: Sequence[tuple[datetime, ClockMark | None]]
    first_run_at: datetime | None
    """The first occurrence after saving; None where it would not run by itself."""
    clock_changes: Sequence[datetime]
    comparison: Comparison | None
    """None for a new job."""
    overlaps: Overlaps | None
    """None where nobody knows yet how long it takes."""
    rush_before: Rush
    rush_after: Rush


@dataclass(frozen=True, slots=True)
class _Plan:
    """Occurrences in force from `since` on; none where the job is off. The first ones are asked for
    several times, and worked out once.
    """

    timetable: Timetable | None
    since: datetime
    one_off: bool
    _first: list[datetime] = field(default_factory=list, compare=False)

    def within(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        if self.timetable is None:
            return iter(())
        if self.one_off:
            first = self.timetable.next_after(self.since)
            return iter([first] if first is not None and begin < first <= end else [])
        begin = max(begin, self.since)
        if begin > (self._first[-1] if self._first else self.since):
            return occurrences_between(self.timetable, after=begin, until=end)
        coming = self._from(bisect_right(self._first, begin))
        return takewhile(lambda at: at <= end, coming)

    def first(self, count: int) -> list[datetime]:
        return list(islice(self._from(0), min(count, 1) if self.one_off else count))

    def _from(self, place: int) -> Iterator[datetime]:
        """Yield the occurrences from the one at `place` on."""
        while self.timetable is not None:
            if place == len(self._first):
                last = self._first[-1] if self._first else self.since
                following = self.timetable.next_after(last)
                if following is None:
                    return
                self._first.append(following)
            yield self._first[place]
            place += 1


def preview_job(
    job: Job | None, *, changes: Mapping[str, Any], now: datetime, count: int = 10
) -> Preview:
    """Return what saving `changes` would do: of `job`, or of a new job without one.

    `changes` are those of `update_job` and `create_job`; names and arguments are not looked at. Two
    clocks may change within the comparison: those of the zone that is meant after saving. Raises
    InvalidInput as saving would for the timetable and the policy.
    """
    timetable, before, after = _before_and_after(job, changes, now)
    enabled = after.timetable is not None
    zone = zone_of(timetable)
    # What is listed is what the timetable would mean, also of a job that is off.
    meant = after if enabled else _Plan(timetable, after.since, after.one_off)
    listed = meant.first(min(count, MOST_LISTED))
    clock_changes = next_changes(zone, after=now, count=CHANGES)
    instances = int(changes.get("max_instances") or (job.max_instances if job else 1))
    month = list(islice(after.within(now, now + COMPARED), MOST_COMPARED))
    rush_before, rush_after = busiest_minutes(
        but=job, before=before.within, after=after.within, now=now
    )
    return Preview(
        timetable=timetable,
        zone=zone,
        is_enabled=enabled,
        occurrences=list(marked(timetable, listed, after=after.since)),
        first_run_at=next(iter(after.first(1)), None),
        clock_changes=clock_changes,
        comparison=None if job is None else _compare(before, after, clock_changes, zone, now),
        overlaps=None if job is None else overlaps_of(job, month, instances=instances, now=now),
        rush_before=rush_before,
        rush_after=rush_after,
    )


def compare_edit(job: Job | None, *, changes: Mapping[str, Any], now: datetime) -> Comparison:
    """Return what saving `changes` does to the occurrences: that part of `preview_job`, without a
    look at other jobs, and of a new job too, all of whose occurrences are added.
    """
    timetable, before, after = _before_and_after(job, changes, now)
    zone = zone_of(timetable)
    return _compare(before, after, next_changes(zone, after=now, count=CHANGES), zone, now)


def timetable_after(job: Job | None, *, changes: Mapping[str, Any], now: datetime) -> Timetable:
    """Return the timetable that would be in force after saving `changes`."""
    return _wanted(job, changes, now)[0]


def _before_and_after(
    job: Job | None, changes: Mapping[str, Any], now: datetime
) -> tuple[Timetable, _Plan, _Plan]:
    """Return the timetable that would be in force, what is planned now, and what would be."""
    timetable, is_replaced = _wanted(job, changes, now)
    enabled = bool(changes.get("enabled", True if job is None else job.is_enabled))
    before = _present(job, now)
    is_same = job is not None and before.timetable == timetable and enabled
    since = now if job is None or is_same else max(now, decided_until(job) or now)
    kept = False if job is None else job.one_off and not is_replaced
    one_off = isinstance(core_of(timetable), At) or bool(changes.get("one_off", kept))
    after = _Plan(timetable if enabled else None, before.since if is_same else since, one_off)
    return timetable, before, after


def _wanted(job: Job | None, changes: Mapping[str, Any], now: datetime) -> tuple[Timetable, bool]:
    """Return the timetable that would be in force, and whether it is entered anew.

    Raises InvalidInput.
    """
    check_policy({name: value for name, value in changes.items() if value is not None})
    entered = read_entered(changes, job=job, now=now)
    starts_at, ends_at = _bounds(job, changes)
    check_bounds(starts_at, ends_at)
    is_replaced = entered is not None and (job is None or not says_the_same(job, entered))
    core = None if job is None else current_timetable(job)
    anchor = None if job is None else job.interval_anchor
    if entered is not None and is_replaced:
        core = entered.timetable
        anchor = core.anchor if isinstance(core, Every) else None
    if core is None:
        assert job is not None
        found = job.invalid_reason or "none"
        raise InvalidInput("timetable", found, "an interval, a cron expression or one date")
    if isinstance(core, Every):
        core = replace(core, anchor=starts_at or anchor or core.anchor)
    calendar: Calendar | None = changes.get("calendar", job.calendar if job else None)
    day_off = changes.get("day_off") or (job.day_off if job else "skip")
    timetable = in_force(
        core,
        days=None if calendar is None else days_of(calendar),
        day_off=cast("DayOff", str(day_off)),
        tz="UTC" if calendar is None else calendar.timezone,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    jitter = changes.get("jitter", job.jitter if job else timedelta(0)) or timedelta(0)
    check_jitter(jitter, timetable)
    return timetable, is_replaced


def _bounds(job: Job | None, changes: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    present = None if job is None else timetable_of(job)
    starts_at, ends_at = (None, None) if present is None else bounds_of(present)
    return changes.get("starts_at", starts_at), changes.get("ends_at", ends_at)


def _present(job: Job | None, now: datetime) -> _Plan:
    """Return what is planned as it is, from the job's next occurrence on."""
    if job is None or not job.is_enabled or job.next_run_at is None:
        return _Plan(None, now, False)
    return _Plan(timetable_of(job), max(now, job.next_run_at - INSTANT), job.one_off)


def _compare(
    before: _Plan, after: _Plan, clock_changes: Sequence[datetime], zone: str, now: datetime
) -> Comparison:
    spans = _spans(clock_changes, now, zone)
    old, new = _taken(before, spans), _taken(after, spans)
    cuts = [found[-1] for found in (old, new) if len(found) > MOST_COMPARED]
    until = min(cuts, default=None)
    if until is not None:
        old, new = ([at for at in found if at <= until] for found in (old, new))
    return Comparison(difference=difference(old, new, tz=zone), spans=spans, until=until)


def _spans(clock_changes: Sequence[datetime], now: datetime, zone: str) -> list[Span]:
    """Return the next thirty days, and the days around each clock change beyond them: whole days of
    the zone, so that what moves within a day is on one side of no edge.
    """
    spans = [Span(begin=now, end=_midnight(now + COMPARED, zone))]
    for change in clock_changes:
        begin = _midnight(change - AROUND_A_CHANGE, zone)
        end = _midnight(change + 2 * AROUND_A_CHANGE, zone)
        if end <= spans[-1].end:
            continue
        if begin <= spans[-1].end:
            spans[-1] = Span(begin=spans[-1].begin, end=end)
        else:
            spans.append(Span(begin=begin, end=end))
    return spans


def _midnight(instant: datetime, zone: str) -> datetime:
    """Return when the day of `instant` begins on the clock of the zone."""
    there = ZoneInfo(zone)
    midnight = datetime.combine(instant.astimezone(there).date(), time(), tzinfo=there)
    return midnight.astimezone(UTC)


def _taken(plan: _Plan, spans: Sequence[Span]) -> list[datetime]:
    found = (at for span in spans for at in plan.within(span.begin - INSTANT, span.end - INSTANT))
    return list(islice(found, MOST_COMPARED + 1))
