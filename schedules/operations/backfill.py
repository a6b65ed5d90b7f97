"""Backfills: running the past occurrences of a job, a few at a time, each for its own nominal time.

What a dry run shows is what a backfill then runs: both ask `choose`, and its answer is kept.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from schedules.access import Source, actor_name, record
from schedules.adapters.validation import check_arguments
from schedules.dispatch.backfill import end_backfill
from schedules.errors import InvalidInput, JobDeleted, JobDisabled, JobInvalid
from schedules.finish import Outcome, finish_waiting
from schedules.lease import instance_id
from schedules.ledger import occurrences_ever, versions_of
from schedules.models import Backfill, Job, Run
from schedules.operations.idempotency import backfill_made_before, intention_of
from schedules.states import FAILURES, FINAL, NEVER_RAN, BackfillState, RunState, Which
from schedules.timing.instants import utc

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MOST_OCCURRENCES = 10_000
MOMENT = timedelta(microseconds=1)

NEVER, FAILURE, SUCCESS, OPEN, UNKNOWN = "never ran", "failed", "succeeded", "open", "unknown"
"""How an occurrence stands: its best run counts. Of what retention has deleted nothing is known."""

CHOSEN = {
    Which.MISSED: frozenset({NEVER}),
    Which.FAILED: frozenset({FAILURE}),
    Which.ALL: frozenset({NEVER, FAILURE, SUCCESS, UNKNOWN}),
}
"""What is run of each choice; never what waits or runs already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An occurrence that a backfill runs, and how it stood before."""

    at: datetime
    stood: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a backfill has come: its occurrences by the state of their runs."""

    waiting: int
    """Not planned yet, or planned and not begun."""
    running: int
    succeeded: int
    failed: int
    never_ran: int

    @property
    def ended(self) -> int:
        """Those with an outcome."""
        return self.succeeded + self.failed + self.never_ran


def choose(
    job: Job,
    *,
    first: datetime,
    last: datetime,
    which: Which,
    now: datetime,
    newest_first: bool = False,
) -> list[Chosen]:
    """Return the occurrences from `first` to `last`, both included, that a backfill would run, in
    its order. Nothing is written: this is the dry run.

    They are those of the timetables that were in force, and before the first one of the present
    one. Raises InvalidInput for a naive or reversed range, one that reaches into the future, and
    one with too many occurrences; JobDeleted and JobInvalid.
    """
    if not job.is_active:
        raise JobDeleted(job.key)
    if job.invalid_reason or job.timetable is None:
        raise JobInvalid(job.key, job.invalid_reason or "it has no timetable.")
    first, last = utc(first, field="from"), utc(last, field="to")
    if last < first:
        raise InvalidInput("to", last.isoformat(), f"no earlier than from, {first.isoformat()}")
    if last > now:
        accepted = "an instant that has passed; what is to come runs by itself"
        raise InvalidInput("to", last.isoformat(), accepted)
    if job.next_run_at is not None:  # from there on planning has still to come by
        last = min(last, job.next_run_at - MOMENT)
    found = occurrences_ever(job, after=first - MOMENT, until=last)
    instants = list(islice(found, MOST_OCCURRENCES + 1))
    if len(instants) > MOST_OCCURRENCES:
        accepted = (
            f"a range with at most {MOST_OCCURRENCES} occurrences;"
            f" the last of so many is at {instants[-2].isoformat()}"
        )
        raise InvalidInput("to", last.isoformat(), accepted)
    standing = _standing(job, first=first, last=last)
    chosen = [
        Chosen(at=at, stood=stood) for at in instants if (stood := standing(at)) in CHOSEN[which]
    ]
    return chosen[::-1] if newest_first else chosen


@transaction.atomic
def create_backfill(
    job: Job,
    *,
    first: datetime,
    last: datetime,
    which: Which,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    newest_first: bool = False,
    at_once: int = 1,
    reason: str = "",
    idempotency_key: str | None = None,
) -> Backfill:
    """Let what `choose` returns run, at most `at_once` at a time, and return the backfill.

    Beat plans the runs. Each has the nominal time of its occurrence and may begin however late; it
    waits for a slot of its job rather than be skipped. The same call with an `idempotency_key` that
    was used before returns the backfill of that time. Raises what `choose` raises, JobDisabled, and
    InvalidInput for nothing to run, for more at once than may run of the job, and for a key that
    was used for something else.
    """
    asked = [first, last, which, newest_first, at_once]
    intention = "" if idempotency_key is None else intention_of("backfill", job.pk, asked)
    # Of two at once the second waits here, and leaves to the first what that has taken.
    job = Job.objects.select_for_update(no_key=True, of=("self",)).get(pk=job.pk)
    if idempotency_key is not None:
        before = backfill_made_before(idempotency_key, intention)
        if before is not None:
            return before
    if job.is_active and not job.is_enabled:
        raise JobDisabled(job.key)
    if not 1 <= at_once <= job.max_instances:
        accepted = f"1 to {job.max_instances}, as many as may run of the job (max_instances)"
        raise InvalidInput("at_once", at_once, accepted)
    chosen = choose(job, first=first, last=last, which=which, now=now, newest_first=newest_first)
    if not chosen:
        words = {Which.MISSED: " that never ran", Which.FAILED: " that failed", Which.ALL: ""}
        accepted = f"a range with an occurrence{words[which]}; this one has none"
        raise InvalidInput("from", first.isoformat(), accepted)
    check_arguments(job.task, job.args, job.kwargs)
    backfill = Backfill.objects.create(
        job=job,
        first=first,
        last=last,
        which=which,
        newest_first=newest_first,
        at_once=at_once,
        occurrences=[each.at.isoformat() for each in chosen],
        total=len(chosen),
        reason=reason,
        requested_by=actor_name(by),
        idempotency_key=idempotency_key,
        intention=intention,
        created_at=now,
    )
    after = {
        "backfillId": str(backfill.pk),
        "from": first,
        "to": last,
        "which": str(which),
        "newestFirst": newest_first,
        "atOnce": at_once,
        "total": len(chosen),
    }
    _record("backfill", job, by, source, now, after, reason)
    return backfill


@transaction.atomic
def cancel_backfill(
    backfill: Backfill,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
) -> bool:
    """Plan nothing of the backfill any more and cancel what waits of it; what runs goes on.

    False, and nothing changed, if it had ended before.
    """
    stored = Backfill.objects.select_for_update(no_key=True, of=("self",)).get(pk=backfill.pk)
    if stored.ended_at is not None:
        return False
    end_backfill(stored, BackfillState.CANCELLED, now=now)
    words = f"its backfill was cancelled by {actor_name(by)}{f': {reason}' if reason else ''}"
    outcome = Outcome(state=RunState.CANCELLED, reason=words)
    for run in Run.objects.waiting().filter(backfill=stored):
        finish_waiting(run, outcome, instance_id=instance_id())
    after = {"backfillId": str(stored.pk), "planned": stored.planned, "total": stored.total}
    _record("cancel_backfill", stored.job, by, source, now, after, reason)
    backfill.refresh_from_db()
    return True


def progress_of(backfills: Sequence[Backfill]) -> dict[UUID, Progress]:
    """Return how far each of the backfills has come. One statement for all of them."""
    rows = Run.objects.filter(backfill__in=[backfill.pk for backfill in backfills]).order_by()
    counts: dict[UUID, Counter[str]] = {backfill.pk: Counter() for backfill in backfills}
    for backfill_id, state, number in rows.values_list("backfill_id", "state").annotate(
        number=Count("pk")
    ):
        counts[backfill_id][state] += number
    return {backfill.pk: _progress(backfill, counts[backfill.pk]) for backfill in backfills}


def backfills_of(job: Job, *, limit: int = 50) -> list[Backfill]:
    """Return the job's latest backfills, the newest first."""
    return list(job.backfills.defer("occurrences").order_by("-created_at")[:limit])


def find_backfill(number: UUID) -> Backfill | None:
    """Return the backfill with this id, with its job, or None."""
    return Backfill.objects.select_related("job").filter(pk=number).first()


def _progress(backfill: Backfill, counts: Counter[str]) -> Progress:
    ended = sum(number for state, number in counts.items() if state in FINAL)
    running = counts[RunState.RUNNING]
    open_ones = sum(counts.values()) - ended - running
    unplanned = backfill.total - backfill.planned if backfill.ended_at is None else 0
    return Progress(
        waiting=unplanned + open_ones,
        running=running,
        succeeded=counts[RunState.SUCCEEDED],
        failed=sum(counts[state] for state in FAILURES),
        never_ran=sum(counts[state] for state in NEVER_RAN),
    )


@dataclass(slots=True)
class _Standing:
    """Says of each occurrence of a range how its best run stands."""

    states: dict[datetime, set[str]]
    taken: set[str]
    """What other backfills are still to plan."""
    forgotten_after: datetime
    forgotten_until: datetime
    """Between these retention has deleted rows."""

    def __call__(self, at: datetime) -> str:
        states = self.states.get(at, set())
        if states - FINAL or at.isoformat() in self.taken:
            return OPEN
        if RunState.SUCCEEDED in states:
            return SUCCESS
        if states & FAILURES:
            return FAILURE
        is_forgotten = not states and self.forgotten_after < at <= self.forgotten_until
        return UNKNOWN if is_forgotten else NEVER


def _standing(job: Job, *, first: datetime, last: datetime) -> _Standing:
    runs = Run.objects.filter(job=job, scheduled_at__gte=first, scheduled_at__lte=last)
    states: dict[datetime, set[str]] = {}
    for at, state in runs.order_by().values_list("scheduled_at", "state").iterator():
        states.setdefault(at, set()).add(state)
    others = job.backfills.filter(ended_at__isnull=True).values_list("occurrences", "planned")
    versions = versions_of(job)
    begin = versions[0].since if versions else last
    return _Standing(
        states=states,
        taken={text for texts, planned in others for text in texts[planned:]},
        forgotten_after=begin,
        forgotten_until=job.ledger_from or begin,
    )


def _record(
    action: str,
    job: Job,
    by: object,
    source: Source,
    now: datetime,
    after: dict[str, object],
    reason: str,
) -> None:
    record(
        action,
        subject=f"job:{job.key}",
        actor=by,
        source=source,
        now=now,
        after=after,
        reason=reason,
    )
