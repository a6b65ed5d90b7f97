"""One job on the virtual clock: its occurrences are planned, find a slot or not, run and end."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from schedules.dispatch.decide import (
    PUNCTUAL,
    Change,
    Planned,
    Policy,
    decide,
)
from schedules.overlap import Way, way_of
from schedules.states import After, Overlap, RunState
from schedules.timing import Timetable

STRETCH = 2000
"""Occurrences that are decided together."""

MOST_NAMED = 5
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which no Beat plans anything; what was due is found when it ends."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A job as it is simulated. `length` is how long each of its runs takes."""

    key: str
    timetable: Timetable
    policy: Policy
    max_instances: int
    overlap: Overlap
    length: timedelta
    is_known: bool = True
    """Whether the length comes from its own runs."""
    after: Sequence[tuple[str, After]] = ()
    """The jobs that it runs after."""
    changes: Mapping[datetime, Change] = field(default_factory=dict)
    """What a person has said about single occurrences."""


@dataclass(slots=True)
class Lived:
    """What became of a job's occurrences. Each is in exactly one of `ran`, `cancelled`, `waiting`
    and `fates`.
    """

    job: Simulated
    occurrences: int = 0
    ran: int = 0
    cancelled: int = 0
    """Ended by a later occurrence, as the overlap policy says."""
    waiting: int = 0
    """Still waiting for a slot at the end."""
    fates: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What did not run: by state, and why."""
    no_slot: int = 0
    """Occurrences that found every slot taken, whatever became of them."""
    first_no_slot: list[datetime] = field(default_factory=list)
    longest_wait: timedelta = timedelta(0)
    ends: list[float] | None = None
    """When its runs end, where other jobs run after it."""


class Traffic:
    """Starts and runs of all jobs by the minute."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self._begin = int(begin.timestamp()) // 60
        minutes = int(end.timestamp()) // 60 - self._begin + 2
        self.starts = [0] * minutes
        self._changes = [0] * (minutes + 1)

    def add(self, start: float, end: float) -> None:
        """Count one run."""
        first = int(start) // 60 - self._begin
        if first >= len(self.starts):
            return
        self.starts[first] += 1
        self._changes[first] += 1
        self._changes[min(int(end) // 60 - self._begin + 1, len(self.starts))] -= 1

    def busiest(self, number: int) -> list[tuple[datetime, int]]:
        """Return the minutes in which most runs begin."""
        order = sorted(range(len(self.starts)), key=lambda minute: -self.starts[minute])
        return [(self._at(minute), self.starts[minute]) for minute in order[:number]]

    def most_at_once(self) -> tuple[datetime, int]:
        """Return how many runs there are in the minute with the most, and the first such minute."""
        running = most = place = 0
        for minute, change in enumerate(self._changes):
            running += change
            if running > most:
                most, place = running, minute
        return self._at(place), most

    def _at(self, minute: int) -> datetime:
        return datetime.fromtimestamp((self._begin + minute) * 60, UTC)


def live(
    job: Simulated,
    *,
    begin: datetime,
    end: datetime,
    outages: Sequence[Outage],
    triggers: Sequence[float],
    traffic: Traffic,
    is_followed: bool,
    most: int | None = None,
) -> Lived:
    """Let the job live from `begin` to `end`, or until it has had more than `most` occurrences.
    `triggers` are instants at which jobs that it runs after have ended.
    """
    lived = Lived(job, ends=[] if is_followed else None)
    slots = _Slots(lived, traffic)
    events, changes = _Events(slots, triggers), job.changes
    is_alone = not triggers and not changes  # as most are, of whom there are millions of rows
    for planned, not_before in _plan(job, begin=begin, end=end, outages=outages):
        lived.occurrences += planned.count
        if most is not None and lived.occurrences > most:
            return lived
        if planned.state is not RunState.PLANNED:
            lived.fates[planned.state.value, planned.reason] += planned.count
        elif changes and planned.scheduled_at in changes:
            _come_when_moved(planned, max(planned.due_at, not_before), begin, end, outages, events)
        else:
            at = max(planned.due_at, not_before).timestamp()
            if not is_alone:
                events.pass_until(at)
            slots.offer(at)
    events.pass_until(end.timestamp())
    slots.settle(end.timestamp())
    lived.waiting += len(events.later)
    return lived


def _come_when_moved(
    planned: Planned,
    at: datetime,
    begin: datetime,
    end: datetime,
    outages: Sequence[Outage],
    events: "_Events",
) -> None:
    """Let an occurrence that has a time of its own come then, if that is within the span."""
    lived = events.slots.lived
    if planned.due_at < begin:
        lived.ran += 1  # before the clock began
        return
    outage = next((each for each in outages if each.since <= at < each.until), None)
    if outage is not None:  # nobody sends it before the outage ends
        grace = lived.job.policy.misfire_grace
        if grace is not None and outage.until > planned.due_at + max(grace, PUNCTUAL):
            late = (outage.until - planned.due_at).total_seconds()
            reason = f"not started within {late:.0f} s of its time; no worker took it"
            lived.fates[RunState.MISSED.value, reason] += 1
            return
        at = outage.until
    heappush(events.later, at.timestamp())


def _plan(
    job: Simulated, *, begin: datetime, end: datetime, outages: Sequence[Outage]
) -> Iterator[tuple[Planned, datetime]]:
    """Yield what the planner writes, each with the instant before which it cannot start."""
    following = job.timetable.next_after(begin - MOMENT)
    changes = dict(job.changes)
    for policy, now in _looks(job, begin=begin, end=end, outages=outages):
        while following is not None:
            decision = decide(
                job.timetable,
                policy,
                seed=job.key,
                next_run_at=following,
                now=min(now, end),
                most=STRETCH,
                changes=changes,
            )
            yield from ((row, begin if policy is not job.policy else now) for row in decision.rows)
            for at in decision.changed:  # one that was moved ahead comes only once
                changes[at] = changes[at]._replace(is_planned=True)
            if decision.next_run_at == following:
                break  # nothing of it is due yet
            following = decision.next_run_at


def _looks(
    job: Simulated, *, begin: datetime, end: datetime, outages: Sequence[Outage]
) -> Iterator[tuple[Policy, datetime]]:
    """Yield when the planner looks: often enough that what it finds is in order."""
    # A punctual Beat finds each occurrence alone and in time, so nothing is too late and nothing
    # is coalesced: a whole stretch may be decided at once.
    punctual = job.policy._replace(misfire_grace=None, coalesce=False)
    ahead = sorted(
        each.moved_to
        for each in job.changes.values()
        if each.moved_to is not None and each.moved_to < each.scheduled_at
    )
    since = begin
    for outage in [each for each in outages if each.since < end]:
        yield from ((punctual, at) for at in ahead if since <= at < outage.since)
        yield punctual, outage.since - MOMENT
        yield job.policy, outage.until
        since = max(since, outage.until)
    yield from ((punctual, at) for at in ahead if since <= at < end)
    yield punctual, end


class _Events:
    """What comes beside the timetable: the ends of jobs that it runs after, and occurrences that
    were moved. Instants are seconds since 1970.
    """

    def __init__(self, slots: "_Slots", triggers: Sequence[float]) -> None:
        self.slots = slots
        self._triggers = deque(sorted(triggers))
        self.later: list[float] = []

    def pass_until(self, at: float) -> None:
        """Let come what comes until then, in order."""
        triggers, later = self._triggers, self.later
        while (triggers and triggers[0] <= at) or (later and later[0] <= at):
            if later and (not triggers or later[0] <= triggers[0]):
                self.slots.offer(heappop(later))
            else:
                _follow(self.slots, triggers.popleft())


def _follow(slots: "_Slots", at: float) -> None:
    lived, instant = slots.lived, datetime.fromtimestamp(at, UTC)
    lived.occurrences += 1
    halt = next((halt for halt in lived.job.policy.halts if halt.covers(instant)), None)
    if halt is None:
        slots.offer(at)
    else:
        lived.fates[RunState.SKIPPED.value, halt.reason] += 1


class _Slots:
    """The slots of one job. Instants are seconds since 1970."""

    def __init__(self, lived: Lived, traffic: Traffic) -> None:
        self.lived = lived
        self._traffic = traffic
        self._length = lived.job.length.total_seconds()
        self._free = lived.job.max_instances
        self._running: list[float] = []
        self._queue: deque[float] = deque()

    def offer(self, at: float) -> None:
        """Let an occurrence come."""
        running = self._running
        if running and running[0] <= at:
            self._end(at)
        if len(running) < self._free:
            self._start(at)
            return
        lived = self.lived
        lived.no_slot += 1
        if len(lived.first_no_slot) < MOST_NAMED:
            lived.first_no_slot.append(datetime.fromtimestamp(at, UTC))
        way = way_of(lived.job.overlap, is_queued=bool(self._queue))
        if way is Way.SKIP:
            lived.fates[RunState.SKIPPED.value, "overlap"] += 1
            return
        self._queue.append(at)
        if way is Way.CANCEL_RUNNING:
            ended = heappop(running)  # all take as long, so the first to end is the oldest
            if lived.ends is not None:
                lived.ends.remove(ended)
            lived.ran -= 1
            lived.cancelled += 1
            self._start(at, came_at=self._queue.popleft())

    def settle(self, end: float) -> None:
        """Let the clock run to the end."""
        self._end(end)
        self.lived.waiting += len(self._queue)

    def _end(self, now: float) -> None:
        while self._running and self._running[0] <= now:
            ended_at = heappop(self._running)
            if self._queue:
                self._start(ended_at, came_at=self._queue.popleft())

    def _start(self, at: float, *, came_at: float | None = None) -> None:
        lived, until = self.lived, at + self._length
        heappush(self._running, until)
        lived.ran += 1
        self._traffic.add(at, until)
        if lived.ends is not None:
            lived.ends.append(until)
        if came_at is not None and (wait := timedelta(seconds=at - came_at)) > lived.longest_wait:
            lived.longest_wait = wait
