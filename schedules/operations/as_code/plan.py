"""What applying a file would change: the file, the database and what the file said the last time.

Where the database differs from the last application and the file does not, an operator has changed
it since: that stays, and is shown as an override. Nothing is written here, and each value is
checked as the change itself would check it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from typing import Any

from schedules.models import Dependency, Job
from schedules.operations.as_code.check import WORDS, Check
from schedules.operations.as_code.described import (
    BESIDE,
    Described,
    Tasks,
    as_changes,
    describe,
    described_by,
)
from schedules.operations.as_code.entry import File, read_file
from schedules.operations.preview import Comparison, compare_edit
from schedules.timing import Cron

MOST_EFFECTS = 200
"""Changed jobs whose effect on occurrences is worked out; of more, the first."""

WITHDRAWN = "withdrawn"
"""In what the file said last of a job, the mark that it does not name the job any more."""


class Action(StrEnum):
    """What becomes of a job."""

    CREATE = "create"
    UPDATE = "update"
    DISABLE = "disable"
    KEEP = "keep"
    """Nothing changes, but it is not as the file says: an operator's overrides stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field in which file and database differ. `applied` is what the file said last; the field
    is a conflict where all three differ.
    """

    name: str
    database: Any
    file: Any
    applied: Any = None
    is_conflict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the file changes of one job, and what of an operator's it leaves."""

    key: str
    action: Action
    job: Job | None = None
    wanted: Described = field(default_factory=dict)
    """How the job is meant to be, an operator's overrides included."""
    differences: tuple[Difference, ...] = ()
    """What is changed; of a new job, nothing is listed."""
    overrides: tuple[Difference, ...] = ()
    """What an operator has changed since the last application, and what therefore stays."""
    effect: Comparison | None = None
    """None where occurrences do not change, or too many jobs do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that applying the file would do."""

    changes: tuple[Change, ...]
    unchanged: int
    file: File
    known: Mapping[str, Job]
    described: Mapping[str, Described]
    """What the file says of each of its jobs."""
    order: Mapping[str, int]
    """The place of each job when all have been changed: after those that it runs after."""

    @property
    def pending(self) -> int:
        """How many jobs would be changed."""
        return sum(change.action is not Action.KEEP for change in self.changes)

    @property
    def fingerprint(self) -> str:
        """What tells this plan from another one: the same text over the same jobs has the same."""
        lines = (
            (change.key, change.action, change.job and change.job.version, change.wanted)
            for change in self.changes
        )
        return sha256("\n".join(map(repr, lines)).encode()).hexdigest()


def plan_file(text: str, *, now: datetime, replace_overrides: bool = False) -> Plan:
    """Return what applying the text would change. With `replace_overrides` the file wins where an
    operator has changed something since. Raises InvalidFile.
    """
    plan = plan_of(read_file(text), now=now, replace_overrides=replace_overrides)
    return with_effects(plan, now=now)


def plan_of(file: File, *, now: datetime, replace_overrides: bool = False) -> Plan:
    """Return what `plan_file` does of a file that was read, without effects on occurrences."""
    tasks = Tasks()
    known = {job.key: job for job in describable()}
    after = dependencies()
    check = Check(file, tasks, known, now)
    described: dict[str, Described] = {}
    changes: list[Change] = []
    unchanged = 0
    for key, entry in file.jobs.items():
        with file.document.placing("jobs", key, names=WORDS):
            wanted = described[key] = described_by(key, entry, tasks)
            job = known.get(key)
            if job is None:
                changes.append(_creation(key, wanted, check))
                continue
            present = describe(job, after=after.get(job.pk, ()))
            change = _change(job, present, wanted, check, file_wins=replace_overrides)
        if change is None:
            unchanged += 1
        else:
            changes.append(change)
    changes += _removals(file, known)
    return Plan(
        changes=tuple(changes),
        unchanged=unchanged,
        file=file,
        known=known,
        described=described,
        order=_order(file, known, after, changes),
    )


def _order(
    file: File,
    known: Mapping[str, Job],
    after: Mapping[int, Sequence[tuple[str, str]]],
    changes: Iterable[Change],
) -> Mapping[str, int]:
    waits_for = {key: [other for other, _ in after.get(job.pk, ())] for key, job in known.items()}
    for change in changes:
        if change.wanted:
            waits_for[change.key] = [one["job"] for one in change.wanted["after"]]
    try:
        order = TopologicalSorter(waits_for).static_order()
        return {key: place for place, key in enumerate(order)}
    except CycleError as error:
        circle: list[str] = error.args[1]
        key = next((key for key in circle if key in file.jobs), circle[0])
        accepted = "jobs that do not wait for each other"
        raise file.document.refuse(("jobs", key, "after"), key, accepted) from None


def with_effects(plan: Plan, *, now: datetime) -> Plan:
    """Return the plan with what each of its first changes does to the occurrences."""
    return replace(plan, changes=tuple(_with_effects(plan.changes, now)))


def describable() -> Iterator[Job]:
    """Yield the jobs that a file can describe: those that can run, but for spent single dates."""
    jobs = Job.objects.existing().filter(invalid_reason="", timetable__isnull=False)
    for job in jobs.select_related("calendar").order_by("key").iterator(chunk_size=2000):
        if not (job.one_off and not job.is_enabled and job.next_run_at is None):
            yield job


def dependencies() -> dict[int, list[tuple[str, str]]]:
    """Return what each job runs after: keys and outcomes, by the job's number."""
    found: dict[int, list[tuple[str, str]]] = {}
    present = Dependency.objects.filter(until__isnull=True, upstream__is_active=True)
    for job_id, key, when in present.values_list("job_id", "upstream__key", "on"):
        found.setdefault(job_id, []).append((key, when))
    return found


def _removals(file: File, known: Mapping[str, Job]) -> Iterator[Change]:
    """Yield what the file does not name any more, or never named if it speaks for all jobs."""
    for key, job in known.items():
        names_it = job.applied is not None and WITHDRAWN not in job.applied
        is_ours = file.disables_unlisted or names_it
        if is_ours and job.is_enabled and key not in file.jobs and key not in file.leave:
            yield Change(key=key, action=Action.DISABLE, job=job)


def _change(
    job: Job, present: Described, wanted: Described, check: Check, *, file_wins: bool
) -> Change | None:
    if present == wanted:
        return None
    applied: Described = job.applied or {}
    differences: list[Difference] = []
    overrides: list[Difference] = []
    for name, value in wanted.items():
        found = present[name]
        if value == found or (name == "timetable" and _mean_the_same(value, found)):
            continue
        is_untouched = file_wins or name not in applied or applied[name] == found
        difference = Difference(
            name=name,
            database=found,
            file=value,
            applied=applied.get(name),
            is_conflict=not is_untouched and applied[name] != value,
        )
        (differences if is_untouched else overrides).append(difference)
    if not differences and not overrides:
        return None
    wanted = {**wanted, **{each.name: each.database for each in overrides}}
    if differences:
        check.update(job, wanted, [each.name for each in differences])
    return Change(
        key=job.key,
        action=Action.UPDATE if differences else Action.KEEP,
        job=job,
        wanted=wanted,
        differences=tuple(differences),
        overrides=tuple(overrides),
    )


def _creation(key: str, wanted: Described, check: Check) -> Change:
    check.creation(key, wanted)
    return Change(key=key, action=Action.CREATE, wanted=wanted)


def _mean_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two descriptions of a cron expression differ in writing only."""
    if "cronExpression" not in one or one.keys() != other.keys():
        return False
    return _cron(one) == _cron(other)


def _cron(timetable: Mapping[str, Any]) -> Cron:
    return Cron(
        timetable["cronExpression"], tz=timetable["timezone"], day_rule=timetable["dayRule"]
    )


def _with_effects(changes: Iterable[Change], now: datetime) -> Iterator[Change]:
    worked_out = 0
    for change in changes:
        effect = None
        if worked_out < MOST_EFFECTS and (names := _names_that_count(change)):
            wanted = change.wanted if change.wanted else {"isEnabled": False}
            effect = compare_edit(change.job, changes=as_changes(wanted, names), now=now)
            worked_out += 1
        yield replace(change, effect=effect)


def _names_that_count(change: Change) -> set[str]:
    """Return the fields by which the change adds or removes occurrences."""
    if change.action is Action.DISABLE:
        return {"isEnabled"}
    deciding = {"timetable", "isEnabled", *BESIDE}
    if change.action is Action.CREATE:
        return deciding if change.wanted["timetable"] else set()
    names = {each.name for each in change.differences} & deciding
    # Another timetable would forget it.
    return names | {"oneOff"} if "timetable" in names else names
