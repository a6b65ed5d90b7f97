"""What becomes of the occurrences that are due: a pure function of timetable, policy and now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from schedules.states import RunState
from schedules.timing import Timetable

PUNCTUAL = timedelta(seconds=2)
"""Found this late, an occurrence still counts as found on time, also without any misfire grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The part of a job's policy that planning needs."""

    misfire_grace: timedelta | None = timedelta(seconds=60)
    coalesce: bool = True
    jitter: timedelta = timedelta(0)
    one_off: bool = False
    halted: str = ""
    """Why nothing may run now (a pause), in words; empty when it may."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The rows for what is due, and where the timetable goes on."""

    rows: Sequence[Planned]
    next_run_at: datetime | None


def decide(
    timetable: Timetable,
    policy: Policy,
    *,
    seed: str,
    next_run_at: datetime,
    now: datetime,
    most: int,
) -> Decision:
    """Decide about the occurrences from `next_run_at` on whose time has come, at most `most` of
    them.

    Every one of them is in exactly one of the rows. What is left over is due again at the next
    call. `seed` makes the jitter of an occurrence the same whoever computes it.
    """
    due, following = _due(timetable, policy, seed=seed, next_run_at=next_run_at, now=now, most=most)
    if policy.one_off:
        due, following = due[:1], (None if due else following)
    if policy.halted:
        return Decision(rows=_together(due, RunState.SKIPPED, policy.halted), next_run_at=following)
    grace = policy.misfire_grace
    too_late: list[datetime] = []
    if grace is not None:
        latest = now - max(grace, PUNCTUAL)
        too_late = [instant for instant in due if instant < latest]
    to_run = due[len(too_late) :]
    rows = _together(
        too_late, RunState.MISSED, f"found later than its misfire grace of {_words(grace)}"
    )
    if policy.coalesce and len(to_run) > 1:
        *passed, last = to_run
        rows += _together(
            passed, RunState.SKIPPED, f"coalesced into the occurrence at {last:%FT%TZ}"
        )
        to_run = [last]
    for instant in to_run:
        due_at = instant + jitter_of(policy.jitter, seed=seed, instant=instant)
        expires_at = None if grace is None else due_at + max(grace, PUNCTUAL)
        rows.append(Planned(scheduled_at=instant, due_at=due_at, expires_at=expires_at))
    return Decision(rows=rows, next_run_at=following)


def jitter_of(most: timedelta, *, seed: str, instant: datetime) -> timedelta:
    """Return how long after `instant` it starts: from 0 up to `most`, always the same for one
    occurrence.
    """
    if not most:
        return timedelta(0)
    digest = blake2b(f"{seed} {instant.isoformat()}".encode(), digest_size=8).digest()
    return most * (int.from_bytes(digest, "big") / 2**64)


def _due(
    timetable: Timetable,
    policy: Policy,
    *,
    seed: str,
    next_run_at: datetime,
    now: datetime,
    most: int,
) -> tuple[list[datetime], datetime | None]:
    due: list[datetime] = []
    instant: datetime | None = next_run_at
    while instant is not None and len(due) < most:
        if instant + jitter_of(policy.jitter, seed=seed, instant=instant) > now:
            break
        due.append(instant)
        instant = timetable.next_after(instant)
    return due, instant


def _together(instants: list[datetime], state: RunState, reason: str) -> list[Planned]:
    """One row for all of them; none if there are none."""
    if not instants:
        return []
    first, last = instants[0], instants[-1]
    until = last if len(instants) > 1 else None
    return [
        Planned(
            scheduled_at=first,
            due_at=first,
            state=state,
            until=until,
            count=len(instants),
            reason=reason,
        )
    ]


def _words(duration: timedelta | None) -> str:
    return "any length" if duration is None else f"{duration.total_seconds():g} s"
