"""One-off runs that belong to a subject: park, move and cancel them by the hundred, in the caller's
transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import DateTimeField, F, Value

from schedules.conf import options
from schedules.dispatch.publish import publish
from schedules.errors import InvalidInput
from schedules.models import Job, Run
from schedules.querysets.clock import DatabaseNow, database_now
from schedules.querysets.planning import write_calls
from schedules.querysets.runs import RunQuerySet
from schedules.registry import Declaration, check_arguments
from schedules.states import Origin, RunState

BATCH = 1000
MOVED = ("scheduled_at", "due_at", "publish_at", "state", "sends", "args", "kwargs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One subject's one-off call. `key` names the subject; at most one run of a key waits at a
    time.
    """

    key: str
    at: datetime
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """What `park` did, in calls."""

    created: int = 0
    moved: int = 0
    unchanged: int = 0

    def __add__(self, other: "Parked") -> "Parked":
        return Parked(
            created=self.created + other.created,
            moved=self.moved + other.moved,
            unchanged=self.unchanged + other.unchanged,
        )


def park(declaration: Declaration, calls: Iterable[Call], *, job: Job | None = None) -> Parked:
    """Make exactly one waiting run for each call's key, due at its instant.

    A key that has a waiting run keeps it: it is moved, and takes the new arguments. Joins the
    caller's transaction; a constant number of statements for each thousand calls. Of several calls
    with one key the last counts; of two transactions that park the same key at once the second
    waits for the first. Raises InvalidInput for a naive instant or arguments that do not fit.
    """
    # In one order, or two transactions that insert the same keys would wait for each other.
    latest = sorted({call.key: call for call in calls}.values(), key=attrgetter("key"))
    done = Parked()
    for start in range(0, len(latest), BATCH):
        batch = latest[start : start + BATCH]
        for call in batch:
            if call.at.tzinfo is None:
                raise InvalidInput("at", call.at.isoformat(), "an instant with its UTC offset")
            check_arguments(declaration, call.args, call.kwargs)
        done += _park_batch(declaration, batch, job)
    return done


def cancel_parked(keys: Iterable[str], *, reason: str) -> int:
    """End the waiting runs of the given keys as cancelled; return how many there were."""
    subjects = sorted(set(keys))
    cancelled = 0
    for start in range(0, len(subjects), BATCH):
        locked = _locked(subjects[start : start + BATCH])
        theirs = Run.objects.waiting().filter(pk__in=locked.values("pk"))
        with transaction.atomic(savepoint=False):
            cancelled += theirs.update(
                state=RunState.CANCELLED, reason=reason, finished_at=DatabaseNow(), publish_at=None
            )
    return cancelled


def move_parked(run: Run, *, at: datetime) -> bool:
    """Let one parked run be due at `at`, with the grace that it had; False if it was claimed or
    sent meanwhile.
    """
    moved = Run.objects.parked().filter(pk=run.pk)
    values = {"scheduled_at": at, "due_at": at, "publish_at": at, "state": RunState.PLANNED}
    grace = F("expires_at") - F("due_at")
    if not moved.update(**values, expires_at=Value(at, DateTimeField()) + grace, sends=0):
        return False
    run.refresh_from_db()
    return True


class _Overtaken(Exception):
    """Another transaction has parked a run for one of the keys since we looked."""


def _park_batch(declaration: Declaration, calls: Sequence[Call], job: Job | None) -> Parked:
    while True:
        # Begun anew, without what was inserted and locked: others may wait for it, and what is to
        # be locked next may be theirs.
        with suppress(_Overtaken), transaction.atomic():
            return _try_to_park(declaration, calls, job)


def _try_to_park(declaration: Declaration, calls: Sequence[Call], job: Job | None) -> Parked:
    """Raises _Overtaken; then the caller's transaction is to be rolled back."""
    now = database_now()
    waiting = {run.natural_key: run for run in _locked([call.key for call in calls])}
    moved: list[Run] = []
    created: list[Run] = []
    for call in calls:
        run = waiting.get(call.key)
        if run is None:
            created.append(_new_run(declaration, call, now, job))
        elif (run.scheduled_at, run.args, run.kwargs) != (call.at, [*call.args], {**call.kwargs}):
            _move(run, call)
            moved.append(run)
    # Waits for the end of a transaction that has inserted one of these keys.
    if write_calls(connection, created, ignore_conflicts=True) < len(created):
        raise _Overtaken
    # Written over by their id: much cheaper for a thousand rows than as many CASEs in an UPDATE.
    Run.objects.bulk_create(
        moved, update_conflicts=True, unique_fields=["task_id"], update_fields=MOVED
    )
    due = [run for run in created if run.due_at <= now]
    if due:
        transaction.on_commit(lambda: publish(due), robust=True)
    return Parked(
        created=len(created), moved=len(moved), unchanged=len(calls) - len(created) - len(moved)
    )


def _locked(keys: list[str]) -> RunQuerySet:
    """Return the waiting runs of the keys, to be held until commit, so that none of them is claimed
    meanwhile. In one order, or two transactions that want the same runs would wait for each other.
    """
    runs = Run.objects.about(keys).order_by("natural_key")
    return runs.select_for_update(no_key=True) if connection.vendor == "postgresql" else runs


def _new_run(declaration: Declaration, call: Call, now: datetime, job: Job | None) -> Run:
    is_due = call.at <= now
    return Run(
        origin=Origin.CALL,
        job=job,
        job_key=job.key if job else "",
        natural_key=call.key,
        task=declaration.task,
        args=list(call.args),
        kwargs=dict(call.kwargs),
        options=declaration.call_options,
        scheduled_at=call.at,
        due_at=call.at,
        publish_at=now + options().send_again_after if is_due else call.at,
        state=RunState.SENT if is_due else RunState.PLANNED,
        sends=int(is_due),
        priority=declaration.priority,
        queue=declaration.queue,
    )


def _move(run: Run, call: Call) -> None:
    run.scheduled_at = run.due_at = run.publish_at = call.at
    run.state = RunState.PLANNED
    run.sends = 0
    run.args, run.kwargs = list(call.args), dict(call.kwargs)
