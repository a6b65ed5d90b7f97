"""What a timer is, and keeping the runs of given rows as the rows ask."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import Task
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.db.models import F, Q, QuerySet

from schedules.dispatch import Call, Parked, cancel_parked, park
from schedules.models import Run
from schedules.querysets.runs import RunQuerySet
from schedules.registry import declared_as
from schedules.timers.adoption import adopt
from schedules.timers.reconcile import Reconciled, pk_of, reconcile

BATCH = 1000
"""Rows whose runs are set right with one group of statements."""


class Timer:
    """A run of `run` with a row's key as its argument, at the instant in the row's field `at`.

    It waits while the row fits `while_`, and moves with the field. `run` is a declared task or its
    Celery name; use the name where the task's module imports the model's. Declare a timer below its
    model, so that no process can write rows without knowing of it. The task looks at the row again:
    between its start and the change of a row there is always a moment.

    Raises ImproperlyConfigured for a field that is none, and for a second timer of one model with
    the same task.
    """

    def __init__(
        self,
        model: type[models.Model],
        *,
        at: str,
        run: Task[Any, Any] | str,
        while_: Q | None = None,
    ) -> None:
        self.model = model
        self.at = at
        self.while_ = Q() if while_ is None else while_
        self.task = run if isinstance(run, str) else str(run.name)
        if not isinstance(_field(model, at), models.DateTimeField):
            raise ImproperlyConfigured(f"{self}: at={at!r} is not a DateTimeField of {model}.")
        self.decisive = frozenset(_names(model, [at, *_paths(self.while_)]))
        """The fields on which the run depends, by each of their names."""
        adopt(model, self)

    def __str__(self) -> str:
        return f"Timer {self.task} of {self.model._meta.label}"

    def key(self, pk: object) -> str:
        """Return the natural key of a row's run: "meetings.end_meeting:17"."""
        return f"{self.prefix}{pk.hex if isinstance(pk, UUID) else pk}"

    @property
    def prefix(self) -> str:
        """What the keys of all its runs begin with."""
        return f"{self.task}:"

    def rows(self, using: str | None = None) -> "QuerySet[Any]":
        """Return the rows that ask for a run."""
        rows: QuerySet[Any] = self.model._base_manager.using(using)
        return rows.filter(self.while_, **{f"{self.at}__isnull": False})

    def runs(self) -> RunQuerySet:
        """Return its waiting and running runs."""
        return Run.objects.unfinished().filter(task=self.task, natural_key__startswith=self.prefix)

    def park(self, instants: Mapping[Any, datetime]) -> Parked:
        """Give each row, by its key, exactly one waiting run, due at its aware instant.

        In the caller's transaction, a constant number of statements for each thousand. Raises
        InvalidInput.
        """
        calls = (
            Call(key=self.key(pk), at=at, args=(str(pk) if isinstance(pk, UUID) else pk,))
            for pk, at in instants.items()
        )
        return park(declared_as(self.task), calls)

    def drop(self, pks: Iterable[Any], *, reason: str) -> int:
        """Cancel the waiting runs of the rows; return how many there were."""
        return cancel_parked([self.key(pk) for pk in pks], reason=reason)

    def keep(self, pks: Sequence[Any], *, using: str | None = None) -> None:
        """Make the runs of the rows what the rows ask for, in the caller's transaction.

        It does not go by the values that were given but reads the rows back, so that expressions,
        partial updates and conflicts are no special cases.
        """
        for batch in batches(pks):
            instants = dict(self.rows(using).filter(pk__in=batch).values_list("pk", self.at))
            if instants:
                self.park(instants)
            others = [pk for pk in batch if pk not in instants]
            if others:
                self.drop(others, reason=f"the {self.model._meta.verbose_name} asks for none")

    def row_of(self, run: Run) -> Any:
        """Return the row that asks for the run, as one does while it waits; None without one."""
        if not (run.natural_key or "").startswith(self.prefix):
            return None
        pk = pk_of(self, str(run.natural_key))
        return None if pk is None else self.rows().filter(pk=pk).first()

    def reconcile(self, *, tell: Callable[[int, int], None] | None = None) -> Reconciled:
        """Give every row that asks for a run its run at its instant, and cancel all others.

        In short transactions of a thousand rows; safe to repeat. `tell`, if given, hears how many
        of how many rows have been looked at.
        """
        return reconcile(self, tell=tell)


def batches(pks: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield a thousand at a time."""
    for start in range(0, len(pks), BATCH):
        yield pks[start : start + BATCH]


def _field(model: type[models.Model], name: str) -> Any:
    try:
        return model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        fields = ", ".join(sorted(field.name for field in model._meta.concrete_fields))
        raise ImproperlyConfigured(
            f"{model._meta.label} has no field {name!r} that a timer could follow; it has {fields}."
        ) from None


def _names(model: type[models.Model], paths: Iterable[str]) -> Iterator[str]:
    """Yield the names, as `update` takes them, of the model's own fields at which paths begin."""
    for path in paths:
        field = _field(model, path.partition("__")[0])
        yield from {field.name, getattr(field, "attname", field.name)}


def _paths(condition: Q) -> Iterator[str]:
    for child in condition.children:
        if isinstance(child, Q):
            yield from _paths(child)
        elif isinstance(child, tuple):
            path, value = child
            yield path
            if isinstance(value, F):
                yield str(value.name)  # type: ignore[attr-defined]  # which the stubs do not know
