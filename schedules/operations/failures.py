"""Failures of a period, those with one cause together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.db.models.functions import Left

from schedules.models import Run
from schedules.states import RunState

STATES = (RunState.FAILED, RunState.LOST, RunState.TIMED_OUT)
MOST_READ = 3000
LONGEST_MESSAGE = 300

_VARYING = re.compile(
    r"""0x[0-9a-f]+ | [0-9a-f]{8}-[0-9a-f-]{27} | \d+ | '[^']*' | "[^"]*" """,
    re.IGNORECASE | re.VERBOSE,
)
"""What differs between two failures with one cause: numbers, ids and quoted values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Failures of one job (or task) by one kind of exception with messages alike."""

    id: str
    """The same for the same cause in every period."""
    subject: str
    exception: str
    message: str
    state: RunState
    number: int
    first_at: datetime
    last_at: datetime
    newest_id: UUID
    job_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The groups, the largest first, and whether there were more failures than were read."""

    groups: Sequence[Group]
    read: int
    is_cut: bool


_Cause = tuple[str, str, str]
"""Job or task, exception, and the message without what varies."""


class _Failure(NamedTuple):
    """As much of a failed run as tells its cause."""

    pk: int
    task_id: UUID
    job_id: int | None
    job_key: str
    task: str
    state: str
    scheduled_at: datetime
    began: str


def group_failures(*, since: datetime, until: datetime) -> Failures:
    """Return the failures of the period by cause, from its newest 3,000; three statements.

    Those that somebody has dismissed, or run again with their group, are left out.
    """
    groups, read, is_cut = _by_cause(since, until)
    made = [_group(key, members) for key, members in groups.items()]
    made.sort(key=lambda group: (group.number, group.last_at), reverse=True)
    return Failures(groups=made, read=read, is_cut=is_cut)


def members_of(group_id: str, *, since: datetime, until: datetime) -> list[int]:
    """Return the runs of a group by their number, the oldest first; none if there is none."""
    groups, _, _ = _by_cause(since, until)
    for key, members in groups.items():
        if _id_of(key) == group_id:
            return [member.pk for member in reversed(members)]
    return []


def _by_cause(since: datetime, until: datetime) -> tuple[dict[_Cause, list[_Failure]], int, bool]:
    """Return the failures by cause, the newest first; how many were read, and if that was all."""
    failures: list[_Failure] = []
    for state in STATES:
        rows = (
            Run.objects.filter(
                state=state,
                scheduled_at__gte=since,
                scheduled_at__lte=until,
                dismissed_at__isnull=True,
            )
            .order_by("-scheduled_at", "-id")
            .values_list(*_Failure._fields[:-1], Left("error", LONGEST_MESSAGE))
        )
        failures += map(_Failure._make, rows[: MOST_READ + 1])
    is_cut = len(failures) > MOST_READ
    failures.sort(key=lambda each: each.scheduled_at, reverse=True)
    groups: dict[_Cause, list[_Failure]] = {}
    for failure in failures[:MOST_READ]:
        exception, message = _parts(failure)
        key = (failure.job_key or failure.task, exception, _VARYING.sub("…", message))
        groups.setdefault(key, []).append(failure)
    return groups, min(len(failures), MOST_READ), is_cut


def _id_of(cause: _Cause) -> str:
    return sha256("\0".join(cause).encode()).hexdigest()[:16]


def _group(key: _Cause, members: list[_Failure]) -> Group:
    subject, exception, _ = key
    newest = members[0]
    return Group(
        id=_id_of(key),
        subject=subject,
        exception=exception,
        message=_parts(newest)[1],
        state=RunState(newest.state),
        number=len(members),
        first_at=members[-1].scheduled_at,
        last_at=newest.scheduled_at,
        newest_id=newest.task_id,
        job_id=newest.job_id,
    )


def _parts(failure: _Failure) -> tuple[str, str]:
    """Split `ValueError: no such thing` as `Outcome.error_text` wrote it."""
    name, colon, message = failure.began.partition(": ")
    if not colon or not name.isidentifier():
        return failure.state, failure.began
    return name, message
