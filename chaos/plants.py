"""Planted bugs: each breaks one rule of the protocol, so that the oracle is seen to catch it.

They are patches, laid over the product when a process of a chaos run starts, and statements for the
database that would otherwise forbid the same. The product itself knows nothing of them.
"""

import inspect
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos.faults import Kind

PLANT = "CHAOS_PLANT"
"""Environment variable with the name of the plant to lay."""

WINDOW_SECONDS = 0.3
"""How long a planted gap between two steps is, so that another process falls into it."""

GAP_SECONDS = 1.5
"""The same, so that a kill does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One planted bug: the rule it breaks, its patch, and what makes it show."""

    rule: str
    patch: Callable[[], None]
    sql: Sequence[str] = ()
    faults: Sequence[Kind] = ()
    """What its bursts consist of; without any, of what the seed decides."""

    minutes: float = 0.5
    """How long `--plant all` runs it."""


def apply() -> None:
    """Lay the plant that the environment names, if it names one."""
    name = os.environ.get(PLANT)
    if name:
        PLANTS[name].patch()


def _key_outside_planning() -> None:
    from uuid import uuid4

    from schedules.dispatch import plan
    from schedules.querysets.jobs import JobQuerySet
    from schedules.querysets.planning import PlannedRun

    plan_jobs = plan.plan_jobs

    def take_long(jobs: Sequence[Any], **given: Any) -> list[PlannedRun]:
        time.sleep(WINDOW_SECONDS)
        return plan_jobs(jobs, **given)

    _replace(JobQuerySet, "locked", lambda self: self)
    _replace(plan, "plan_jobs", take_long)
    _replace(plan, "uuid5", lambda *_: uuid4())


def _moved_before_planned() -> None:
    from django.db import connection

    import schedules.beat
    from schedules.dispatch import plan
    from schedules.querysets.planning import PlannedRun, write_runs

    plan_due = plan.plan_due
    held: list[PlannedRun] = []

    def write_later(**given: Any) -> list[PlannedRun]:
        held.clear()
        runs = plan_due(**given)
        if held:
            time.sleep(GAP_SECONDS)
            write_runs(connection, held)
        return runs

    def hold(_: object, rows: Sequence[PlannedRun]) -> None:
        held.extend(rows)

    _replace(plan, "write_runs", hold)
    _replace(schedules.beat, "plan_due", write_later)


def _unconditional_claim() -> None:
    from schedules.querysets import claim

    _rewrite(claim, "_CLAIM", f"AND state IN ({claim._WAITING}) AND due_at", "AND due_at")


def _no_token() -> None:
    from schedules.finish import attempt as finish
    from schedules.finish import held
    from schedules.models import Run
    from schedules.querysets import ending
    from schedules.querysets.runs import RunQuerySet

    def owned(self: RunQuerySet, *, run_id: int, attempt: int) -> RunQuerySet:
        return self.filter(pk=run_id)

    _replace(RunQuerySet, "owned", owned)
    _replace(type(Run.objects), "owned", lambda self, **of: owned(self.get_queryset(), **of))
    _rewrite(
        ending,
        "_END_RUN",
        "AND attempt = %s AND COALESCE(state, '') = 'running'",
        "AND CAST(%s AS integer) > 0",
    )
    _rewrite(ending, "_WRITE_ATTEMPT", "FROM {ended}", "FROM {ended} ON CONFLICT DO NOTHING")
    _replace(finish, "record_success", lambda *_, **__: False)  # every end goes that one way
    _replace(held, "hold", lambda *_, **__: False)


def _overlap_outside_claim() -> None:
    from uuid import UUID

    from schedules.models import Run
    from schedules.querysets import claim
    from schedules.querysets.runs import RunQuerySet

    chosen, rest = claim._CLAIM.split("slot = CASE", 1)
    rest = rest.split("    ) END\n", 1)[1]
    _replace(
        claim,
        "_CLAIM",
        f"{chosen}slot = CASE WHEN mine.job_id IS NULL THEN NULL ELSE 1 END\n{rest}",
    )
    claim_it = RunQuerySet.claim

    def look_then_claim(self: RunQuerySet, task_id: UUID, **by: Any) -> Run | None:
        from django.db import IntegrityError

        run = Run.objects.filter(task_id=task_id).select_related("job").first()
        if run is not None and run.job is not None:
            running = Run.objects.running().filter(job=run.job).count()
            time.sleep(WINDOW_SECONDS)
            if running >= run.job.max_instances:
                raise IntegrityError("no slot is free")
        return claim_it(self, task_id, **by)

    _replace(RunQuerySet, "claim", look_then_claim)
    manager = type(Run.objects)
    _replace(
        manager, "claim", lambda self, key, **by: look_then_claim(self.get_queryset(), key, **by)
    )


def _reaper_ignores_leases() -> None:
    import schedules.beat
    from schedules.finish import lose_attempt
    from schedules.models import Run

    def reap(*, now: datetime, **_: Any) -> int:
        old = Run.objects.running().filter(started_at__lt=now - timedelta(seconds=1))
        return sum(
            lose_attempt(run, reason="its worker vanished, perhaps") is not None for run in old
        )

    _replace(schedules.beat, "reap", reap)


def _reaper_sleeps() -> None:
    import schedules.beat

    _replace(schedules.beat, "reap", lambda **_: 0)


def _never_sent_again() -> None:
    import schedules.beat
    from schedules.dispatch import publisher, repair
    from schedules.models import Run

    take = repair.take_outbox

    def take_outbox(*, now: datetime, limit: int, backlog: Any) -> list[Run]:
        taken = take(now=now, limit=limit, backlog=backlog)
        return [run for run in taken if run.state != "sent"]

    _replace(schedules.beat, "take_outbox", take_outbox)
    _replace(publisher, "forget_sending", lambda: 0)


def _lying_log() -> None:
    from schedules import task

    perform = task._perform
    numbers = itertools.count(1)

    def skip_the_body(run: Any, body: Any, declaration: Any) -> Any:
        if next(numbers) % 10 == 0:
            return perform(run, lambda *_, **__: {"message": "done"}, declaration)
        return perform(run, body, declaration)

    _replace(task, "_perform", skip_the_body)


def _host_clock() -> None:
    import schedules.beat
    from schedules.dispatch import look_ahead

    def look_at_the_host_clock() -> Any:
        return look_ahead()._replace(now=datetime.now(UTC))

    _replace(schedules.beat, "look_ahead", look_at_the_host_clock)
    _replace(schedules.beat, "database_now", lambda using="default": datetime.now(UTC))


def _rewrite(owner: Any, name: str, old: str, new: str) -> None:
    """Replace a piece of a statement; a piece that is not there any more is an error."""
    statement = getattr(owner, name)
    if old not in statement:
        raise RuntimeError(f"{name} has no {old!r} any more: the plant has to be made anew.")
    setattr(owner, name, statement.replace(old, new))


def _replace(owner: Any, name: str, new: Any) -> None:
    if not hasattr(owner, name):
        raise RuntimeError(f"{owner} has no {name!r} any more: the plant has to be made anew.")
    old = getattr(owner, name)
    if callable(old):
        _check_takes_the_same(name, old, new)
    setattr(owner, name, new)


def _check_takes_the_same(name: str, old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """Raise RuntimeError where the new one fails for the arguments of the old: a product that fails
    at each call is caught as well, and shows nothing of the rule.
    """
    parameters = inspect.signature(old).parameters.values()
    by_place = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    by_name = {one.name: None for one in parameters if one.kind is one.KEYWORD_ONLY}
    try:
        inspect.signature(new).bind_partial(*by_place, **by_name)
    except TypeError as error:
        raise RuntimeError(f"{name} takes other arguments than the plant: {error}") from None


PLANTS = {
    "key-outside-planning": Plant(
        rule="1: the unique key is written in the planning transaction",
        patch=_key_outside_planning,
        sql=["DROP INDEX one_run_per_occurrence"],
    ),
    "moved-before-planned": Plant(
        rule="1: rows and the job's next occurrence are one transaction",
        patch=_moved_before_planned,
        faults=[Kind.KILL_BEAT] * 4,
        minutes=1.5,
    ),
    "unconditional-claim": Plant(
        rule="2: every change of state is conditional",
        patch=_unconditional_claim,
        faults=[Kind.KILL_WORKER, Kind.FLUSH, Kind.FREEZE_WORKER, Kind.FREEZE_WORKER],
    ),
    "no-token": Plant(
        rule="3: the terminal write carries the attempt's token",
        patch=_no_token,
        faults=[Kind.FREEZE_PAST_LEASE],
        minutes=2.5,
    ),
    "overlap-outside-claim": Plant(
        rule="4: overlap is decided in the claim",
        patch=_overlap_outside_claim,
        sql=["DROP INDEX one_running_run_per_slot"],
        faults=[Kind.KILL_BROKER, Kind.FREEZE_WORKER, Kind.FLUSH],
    ),
    "reaper-ignores-leases": Plant(
        rule="5: a reaper frees by the lease that the worker renews",
        patch=_reaper_ignores_leases,
    ),
    "reaper-sleeps": Plant(
        rule="5: what a dead worker owned is taken back",
        patch=_reaper_sleeps,
        faults=[Kind.KILL_WORKER, Kind.KILL_WORKER],
    ),
    "never-sent-again": Plant(
        rule="5: what the broker forgot is sent again",
        patch=_never_sent_again,
        # Messages are there to be forgotten where workers stand still.
        faults=[*[Kind.FREEZE_WORKER] * 2, *[Kind.FLUSH] * 3, *[Kind.KILL_WORKER] * 2],
    ),
    "host-clock": Plant(
        rule="only the database's clock decides",
        patch=_host_clock,
        faults=[Kind.CLOCK_FORWARD, Kind.CLOCK_BACK],
    ),
    "lying-log": Plant(
        rule="the ledger says what happened",
        patch=_lying_log,
    ),
}
