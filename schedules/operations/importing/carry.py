"""Making jobs of what a source holds, and saying of each what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import DataError, IntegrityError, transaction

from schedules.access import Source
from schedules.adapters.validation import check_task
from schedules.errors import InvalidInput
from schedules.models import Job, TaskFunction
from schedules.operations.create import create_job, is_taken
from schedules.operations.importing.found import Found, Unreadable, Wanted, is_storable, shown
from schedules.operations.timetables import Entered
from schedules.operations.wording import describe
from schedules.registry import all_declared
from schedules.registry.keys import key_for, why_no_key

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

CREATED, EXISTS, LEFT = "created", "exists", "not_carried"

UNSTORABLE = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError),
    *(DataError, IntegrityError),
)
"""What a value leads to that no check foresaw. A database that is away stops the import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of one job of the source."""

    name: str
    task: str
    outcome: str
    """CREATED, EXISTS (a job has this key already, and is left alone) or LEFT."""
    reason: str = ""
    timetable: str = ""
    job: Job | None = None
    remarks: tuple[str, ...] = ()


def import_jobs(
    found: Sequence[Found],
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
    tasks: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> list[Carried]:
    """Make a job of each found one that can be carried over, with the key it had; return it all.

    A key that is a number here, or that no address can hold, becomes another one, and a remark says
    so.

    What a job runs is found by its Celery name, by the function it names, or by a declared key that
    is that function's name; `tasks` says otherwise for single names. A job that cannot be carried
    over does not stop the others. With `dry_run` all is done and then undone.
    """
    chosen = _Tasks(tasks or {})
    owners = _owners(found)
    with transaction.atomic():
        carried = [
            _carry(each, chosen, owners, by=by, source=source, now=now, reason=reason)
            for each in found
        ]
        if dry_run:
            transaction.set_rollback(True)
    return carried


def _owners(found: Sequence[Found]) -> dict[str, str]:
    """Return by key the one name of the source that gets it: that very name, else the first."""
    names = [each.name for each in found if isinstance(each, Wanted)]
    owners = {key_for(name): name for name in reversed(names)}
    return owners | {name: name for name in names if key_for(name) == name}


def _carry(
    found: Found,
    tasks: "_Tasks",
    owners: Mapping[str, str],
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str,
) -> Carried:
    if isinstance(found, Unreadable):
        return _left(found, found.reason)
    if not is_storable([found.name, found.task, found.values]):
        return _left(found, "it holds a text with U+0000 or half a character in it")
    try:
        with transaction.atomic():
            return _wanted(found, tasks, owners, by=by, source=source, now=now, reason=reason)
    except InvalidInput as refusal:
        return _left(found, str(refusal))
    except UNSTORABLE as error:
        first_line = str(error).partition("\n")[0]
        return _left(found, f"it cannot be stored ({type(error).__name__}: {first_line})")


def _left(found: Found, reason: str) -> Carried:
    return Carried(
        name=shown(found.name), task=shown(found.task), outcome=LEFT, reason=shown(reason)
    )


def _wanted(
    found: Wanted,
    tasks: "_Tasks",
    owners: Mapping[str, str],
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str,
) -> Carried:
    words = describe(found.timetable)
    key, remarks = key_for(found.name), found.remarks
    if key != found.name:
        remarks = (*remarks, f"its key is {key}, not {found.name}: {why_no_key(found.name)}")
    named = {"name_en": found.values.get("name_en") or ("" if key == found.name else found.name)}
    # Also under the name itself: a job from before keys were made fit for addresses has it still.
    taken = next((one for one in dict.fromkeys((found.name, key)) if is_taken(one)), None)
    if taken != found.name and owners[key] != found.name:
        why = f"its key would be {key}, and that is the key of {owners[key]} of this source"
        return _left(found, f"{why}: give one of them another name")
    if taken is not None and taken != found.name and not _is_named(key, named["name_en"]):
        why = f"its key would be {key}, and that is the key of a job with another name"
        return _left(found, f"{why}, which may do other work")
    if taken is not None:
        return Carried(
            name=found.name,
            task=found.task,
            outcome=EXISTS,
            timetable=words,
            reason=f"a job has the key {shown(taken)} already; it was left as it is",
        )
    job = create_job(
        tasks.find(found.task),
        values={**found.values, **named, "key": key},
        entered=Entered(timetable=found.timetable),
        by=by,
        source=source,
        now=now,
        reason=reason,
    )
    return Carried(
        name=found.name,
        task=job.task,
        outcome=CREATED,
        timetable=words,
        job=job,
        remarks=remarks,
    )


def _is_named(key: str, name: str) -> bool:
    return Job.objects.filter(key=key, name_en=name).exists()


class _Tasks:
    """Finds the task that a source's name means."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said
        self._rows = {row.task: row for row in TaskFunction.objects.filter(is_active=True)}
        self._by_key = {row.key: row for row in self._rows.values()}
        self._by_function = {
            f"{d.function.__module__}:{d.function.__qualname__}": d.task for d in all_declared()
        }

    def find(self, name: str) -> TaskFunction | str:
        """Return the declared task's row, or the name of an undeclared one that is allowed.

        Raises InvalidInput for any other.
        """
        wanted = self._said.get(name, name)
        task = self._by_function.get(wanted, wanted)
        for found in (self._rows.get(task), self._by_key.get(task)):
            if found is not None:
                return found
        if ":" in wanted:  # APScheduler's reference to a function
            found = self._by_key.get(wanted.rpartition(":")[2])
            if found is not None:
                return found
            accepted = f"a function declared with @job; --task {name}=KEY says which one to run"
            raise InvalidInput("task", wanted, accepted)
        check_task(task)
        return task
