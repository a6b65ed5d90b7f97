"""Applying a file: all of it or nothing, with one entry in the audit record."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, gathered, record
from schedules.dispatch import absorb_edits
from schedules.errors import Refused
from schedules.models import AuditEntry, Job, TaskFunction
from schedules.operations.as_code.check import WORDS
from schedules.operations.as_code.described import Described, Tasks, as_changes
from schedules.operations.as_code.entry import read_file
from schedules.operations.as_code.plan import (
    WITHDRAWN,
    Action,
    Change,
    Plan,
    plan_of,
    with_effects,
)
from schedules.operations.create import create_job
from schedules.operations.dependencies import lock_dependencies
from schedules.operations.edit import update_job
from schedules.operations.locks import CALENDARS, hold
from schedules.operations.switch import disable_job
from schedules.operations.timetables import OF_ITS_OWN_NEVER
from schedules.states import After

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str

MOST_RECORDED = 500
"""Changed jobs that the audit entry shows with their fields; of more, it has the keys."""

BATCH = 200


def apply_file(
    text: str,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    reason: str = "",
    replace_overrides: bool = False,
    expected: str | None = None,
) -> Plan:
    """Make the jobs as the text says and return what was changed, as `plan_file` says it.

    What the file named before and does not name any more is disabled; nothing is ever deleted. What
    the file says is kept beside each job, so that the next plan tells the file's changes from an
    operator's. Raises InvalidFile, Outdated where somebody changes a job at the same time, and
    PlanChanged where the plan is not the one whose fingerprint is `expected`; changes nothing then.
    """
    file = read_file(text)
    _read_edits(now)
    # What takes long is worked out before anything is locked, and looked at again under the locks.
    foreseen = plan_of(file, now=now, replace_overrides=replace_overrides)
    foreseen = with_effects(foreseen, now=now)
    with transaction.atomic():
        _read_edits(now)
        hold(CALENDARS, now=now)
        lock_dependencies(now=now)
        plan = plan_of(file, now=now, replace_overrides=replace_overrides)
        if plan.fingerprint == foreseen.fingerprint:
            effects = [change.effect for change in foreseen.changes]
            pairs = zip(plan.changes, effects, strict=True)
            plan = replace(plan, changes=tuple(replace(one, effect=each) for one, each in pairs))
        else:
            plan = with_effects(plan, now=now)
        who = {"by": by, "source": source, "now": now, "reason": reason}
        return _apply(plan, _Hand(**who), expected=expected)


def _read_edits(now: datetime) -> None:
    """Edits that no Beat has read yet are the operator's, and are to be seen."""
    while absorb_edits(now=now):
        pass


def _apply(plan: Plan, hand: "_Hand", *, expected: str | None) -> Plan:
    if expected is not None and plan.fingerprint != expected:
        raise PlanChanged
    with gathered() as entries:
        _carry_out(plan, hand)
    adopted = _remember(plan)
    if plan.pending or adopted:
        counts = Counter(str(change.action) for change in plan.changes)
        record(
            "apply",
            subject="scheduler",
            actor=hand.common["by"],
            source=hand.common["source"],
            now=hand.common["now"],
            before={"jobs": _recorded(entries, "before")},
            after={"counts": counts, "remembered": adopted, "jobs": _recorded(entries, "after")},
            reason=hand.common["reason"],
        )
    return plan


class PlanChanged(Refused):
    """Applying would do something else than what the caller was shown."""

    def __init__(self) -> None:
        super().__init__("The jobs were changed since, so the file would do something else now.")


class _Hand:
    """Who does it, when and why: what every verb asks for."""

    def __init__(self, **common: Any) -> None:
        self.common = common


def _carry_out(plan: Plan, hand: _Hand) -> None:
    jobs = dict(plan.known)
    tasks = Tasks()
    functions = {row.task: row for row in TaskFunction.objects.filter(is_active=True)}
    creations = [change for change in plan.changes if change.action is Action.CREATE]
    for change in _in_order(creations, plan):
        with plan.file.document.placing("jobs", change.key, names=WORDS):
            jobs[change.key] = _create(change, jobs, tasks, functions, hand)
    # What runs after what may be turned round: who comes first gives up waiting first.
    for change in _in_order(plan.changes, plan):
        with plan.file.document.placing("jobs", change.key, names=WORDS):
            if change.action is Action.UPDATE:
                _update(change, jobs, tasks, functions, hand)
            elif change.action is Action.DISABLE:
                assert change.job is not None
                disable_job(change.job, versions={change.job.version}, **hand.common)


def _create(
    change: Change,
    jobs: Mapping[str, Job],
    tasks: Tasks,
    functions: Mapping[str, TaskFunction],
    hand: _Hand,
) -> Job:
    wanted = change.wanted
    values = as_changes(wanted, wanted) | {"key": change.key, "after": _after(wanted, jobs)}
    declaration = tasks.find(wanted["task"])
    function = wanted["task"] if declaration is None else functions[declaration.task]
    entered = None if wanted["timetable"] else OF_ITS_OWN_NEVER
    return create_job(function, values=values, entered=entered, **hand.common)


def _update(
    change: Change,
    jobs: Mapping[str, Job],
    tasks: Tasks,
    functions: Mapping[str, TaskFunction],
    hand: _Hand,
) -> None:
    assert change.job is not None
    names = {each.name for each in change.differences}
    if "timetable" in names:
        names.add("oneOff")  # another timetable would forget it
    changes = as_changes(change.wanted, names)
    if "task" in names:
        declaration = tasks.find(change.wanted["task"])
        assert declaration is not None, "the plan was checked"
        changes["task_function"] = functions[declaration.task]
    if "after" in names:
        changes["after"] = _after(change.wanted, jobs)
    update_job(change.job, changes=changes, versions={change.job.version}, **hand.common)


def _after(wanted: Described, jobs: Mapping[str, Job]) -> list[tuple[Job, After]]:
    return [(jobs[one["job"]], After(one["when"])) for one in wanted["after"]]


def _in_order(changes: Iterable[Change], plan: Plan) -> Iterable[Change]:
    """Return the changes, each after those of the jobs that it runs after."""
    return sorted(changes, key=lambda change: plan.order[change.key])


def _remember(plan: Plan) -> int:
    """Keep beside each job what the file says of it; return at how many that is new."""
    rows = Job.objects.in_bulk(field_name="key") if plan.pending else plan.known
    changed: list[tuple[Job, Described | None]] = [
        (rows[key], described)
        for key, described in plan.described.items()
        if rows[key].applied != described
    ]
    changed += [
        (rows[change.key], _withdrawn(rows[change.key].applied))
        for change in plan.changes
        if change.action is Action.DISABLE
    ]
    for job, described in changed:
        job.applied = described
    Job.objects.bulk_update([job for job, _ in changed], ["applied"], batch_size=BATCH)
    return len(changed)


def _withdrawn(applied: Described | None) -> Described | None:
    """Return what is remembered of a job that was taken out and is disabled by that: should it come
    back, an operator's changes are still told from the file's.
    """
    return None if applied is None else {**applied, "isEnabled": False, WITHDRAWN: True}


def _recorded(entries: list[AuditEntry], side: str) -> Any:
    keys = [entry.subject.partition(":")[2] for entry in entries]
    if len(entries) > MOST_RECORDED:
        return keys
    return {key: getattr(entry, side) for key, entry in zip(keys, entries, strict=True)}
