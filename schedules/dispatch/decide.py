"""What becomes of the occurrences that are due: a pure function of timetable, policy and now.

What a timetable means is asked in one way only, `next_after` of the timetable in force, here and by
the ledger that checks it: an exception to a timetable (a calendar, say) is a timetable around it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from schedules.halts import Halt
from schedules.states import RunState
from schedules.timing import Timetable, jitter_of

PUNCTUAL = timedelta(seconds=2)
"""Found this late, an occurrence still counts as found on time, also without any misfire grace."""


class Policy(NamedTuple):
    """The part of a job's policy that planning needs."""

    misfire_grace: timedelta | None = timedelta(seconds=60)
    coalesce: bool = True
    jitter: timedelta = timedelta(0)
    one_off: bool = False
    halts: Sequence[Halt] = ()
    """The pauses that may cover an occurrence, those of everything included."""


class Change(NamedTuple):
    """What a person has said about one occurrence: it is skipped, or it starts at `moved_to`, or
    only its arguments are others.
    """

    scheduled_at: datetime
    is_skipped: bool = False
    moved_to: datetime | None = None
    reason: str = ""
    is_planned: bool = False
    """Whether it was moved ahead and has its run already."""


NO_CHANGES: Mapping[datetime, Change] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One row to write: an occurrence to run, or occurrences that end here and why."""

    scheduled_at: datetime
    due_at: datetime
    state: RunState = RunState.PLANNED
    until: datetime | None = None
    count: int = 1
    expires_at: datetime | None = None
    reason: str = ""


class Decision(NamedTuple):
    """The rows for what is due, and where the timetable goes on."""

    rows: Sequence[Planned]
    next_run_at: datetime | None
    changed: frozenset[datetime] = frozenset()
    """The occurrences among them that were decided by a change of their own."""


class _Fate(NamedTuple):
    """What one occurrence comes to."""

    state: RunState
    reason: str = ""
    of: datetime | None = None
    """The occurrence, where a change makes it one of its own."""


_RUNS = _Fate(RunState.PLANNED)


class _Due(NamedTuple):
    """An occurrence, and when it starts: its jitter later, or where a change has moved it."""

    instant: datetime
    starts_at: datetime
    change: Change | None = None


def decide(
    timetable: Timetable,
    policy: Policy,
    *,
    seed: str,
    next_run_at: datetime,
    now: datetime,
    most: int,
    through: datetime | None = None,
    changes: Mapping[datetime, Change] = NO_CHANGES,
) -> Decision:
    """Decide about the occurrences from `next_run_at` on whose time has come, at most `most` of
    them.

    Every one of them is in exactly one of the rows. What is left over is due again at the next
    call. `seed` makes the jitter of an occurrence the same whoever computes it. With `through`
    those up to that instant are decided even if their jitter is still to pass: another timetable
    takes over from there. Its `changes` come with their occurrences, and those that are moved ahead
    before them.
    """
    due: list[_Due] = []
    following: datetime | None = next_run_at
    while following is not None and len(due) < most:
        starts_at = following + jitter_of(policy.jitter, seed=seed, instant=following)
        if starts_at > now and (through is None or following > through):
            break
        due.append(_Due(following, starts_at))
        if changes:
            _take(changes, due)
        following = timetable.next_after(following)
    if policy.one_off:
        due, following = due[:1], (None if due else following)
    if changes:
        due += _ahead(timetable, changes, following=following, now=now)
    rows: list[Planned] = []
    fates = _fates(due, policy, now)
    for fate, group in groupby(zip(due, fates, strict=True), key=lambda pair: pair[1]):
        neighbours = [one for one, _ in group]
        if fate.state is RunState.PLANNED:
            rows += [_to_run(one, policy.misfire_grace) for one in neighbours]
        else:
            rows.append(_together(neighbours, fate))
    changed = frozenset(one.instant for one in due if one.change is not None)
    return Decision(rows=rows, next_run_at=following, changed=changed)


@dataclass(kw_only=True)
class Decider:
    """Decides about many jobs at one `now`.

    What is due at one instant mostly asks the same: the same timetable and policy, from the same
    occurrence on. That is answered once.
    """

    now: datetime
    most: int
    through: datetime | None = None
    _answers: dict[tuple[Timetable, Policy, datetime], Decision] = field(default_factory=dict)

    def decide(
        self,
        timetable: Timetable,
        policy: Policy,
        *,
        seed: str,
        next_run_at: datetime,
        changes: Mapping[datetime, Change] = NO_CHANGES,
    ) -> Decision:
        """Decide as the function does."""
        question = (timetable, policy, next_run_at)
        concerns_it_alone = bool(policy.jitter or changes)
        if not concerns_it_alone and question in self._answers:
            return self._answers[question]
        answer = decide(
            timetable,
            policy,
            seed=seed,
            next_run_at=next_run_at,
            now=self.now,
            most=self.most,
            through=self.through,
            changes=changes,
        )
        if not concerns_it_alone:
            self._answers[question] = answer
        return answer


def _take(changes: Mapping[datetime, Change], due: list[_Due]) -> None:
    """Let the last of them be what was said about it; one that was moved ahead is done with."""
    last = due[-1]
    change = changes.get(last.instant)
    if change is None:
        return
    due.pop()
    if not change.is_planned:
        due.append(last._replace(starts_at=change.moved_to or last.starts_at, change=change))


def _ahead(
    timetable: Timetable,
    changes: Mapping[datetime, Change],
    *,
    following: datetime | None,
    now: datetime,
) -> list[_Due]:
    """Return the occurrences still to come whose new time has come."""
    return [
        _Due(instant, change.moved_to, change)
        for instant, change in sorted(changes.items())
        if change.moved_to is not None
        and change.moved_to <= now
        and not change.is_planned
        and following is not None
        and instant >= following
        and is_occurrence(timetable, instant)
    ]


def is_occurrence(timetable: Timetable, instant: datetime) -> bool:
    """Whether the timetable has an occurrence just then."""
    return timetable.next_after(instant - timedelta(microseconds=1)) == instant


def _fates(due: Sequence[_Due], policy: Policy, now: datetime) -> list[_Fate]:
    """Give each occurrence its fate: what was paused stays paused, what is too late is missed, and
    of what is left the last one stands for all where they are coalesced.
    """
    grace = policy.misfire_grace
    latest = None if grace is None else now - max(grace, PUNCTUAL)
    missed = _Fate(RunState.MISSED, f"found later than its misfire grace of {_words(grace)}")
    fates: list[_Fate] = []
    for one in due:
        change = one.change
        at = one.instant if change is None or change.moved_to is None else change.moved_to
        # Whether a pause holds then is judged by the claim, when the time has come.
        waits = change is not None and change.moved_to is not None and change.moved_to > now
        halts = () if waits else policy.halts
        halt = next((halt for halt in halts if halt.covers(at)), None)
        if change is not None and change.is_skipped:
            fates.append(_Fate(RunState.SKIPPED, change.reason, one.instant))
        elif halt is not None:
            fates.append(_Fate(RunState.SKIPPED, halt.reason))
        elif latest is not None and one.starts_at < latest:
            fates.append(missed)
        elif change is not None:
            fates.append(_Fate(RunState.PLANNED, of=one.instant))
        else:
            fates.append(_RUNS)
    if not policy.coalesce or fates.count(_RUNS) < 2:
        return fates
    last = max(place for place, fate in enumerate(fates) if fate is _RUNS)
    passed = _Fate(RunState.SKIPPED, f"coalesced into the occurrence at {due[last].instant:%FT%TZ}")
    return [passed if fate is _RUNS and place != last else fate for place, fate in enumerate(fates)]


def _to_run(one: _Due, grace: timedelta | None) -> Planned:
    expires_at = None if grace is None else one.starts_at + max(grace, PUNCTUAL)
    return Planned(scheduled_at=one.instant, due_at=one.starts_at, expires_at=expires_at)


def _together(neighbours: Sequence[_Due], fate: _Fate) -> Planned:
    """One row for neighbours that share a fate."""
    first, last = neighbours[0].instant, neighbours[-1].instant
    is_changed = neighbours[0].change is not None
    return Planned(
        scheduled_at=first,
        due_at=neighbours[0].starts_at if is_changed else first,
        state=fate.state,
        until=last if len(neighbours) > 1 else None,
        count=len(neighbours),
        reason=fate.reason,
    )


def _words(duration: timedelta | None) -> str:
    return "any length" if duration is None else f"{duration.total_seconds():g} s"
