"""Finding rows without their run, and runs without their row, and putting both right."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    ProgrammingError,
    models,
    transaction,
)
from django.db.models import CharField, Exists, Expression, F, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, Replace

from schedules.models import Run

if TYPE_CHECKING:
    from schedules.timers.declaration import Timer

log = logging.getLogger(__name__)

BATCH = 1000
"""Rows that one short transaction puts right."""

ONE_ROWS_FAULT = (
    IntegrityError,
    DataError,
    InternalError,
    ProgrammingError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What one corrupted row can raise. A lost database is nobody's fault, and raises on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was found and done, in rows that ask for a run: `total` is the sum of the next two and
    of the errors.
    """

    total: int
    scheduled: int
    already: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    """For each row that could not be scheduled its `pk`, and the `error` as text."""
    surplus: int = 0
    """Waiting runs that no row asked for any more, which were cancelled."""

    @property
    def success(self) -> bool:
        """Whether nothing was left out."""
        return not self.errors


def reconcile(timer: "Timer", *, tell: Callable[[int, int], None] | None) -> Reconciled:
    """Put the runs of all rows right; see `Timer.reconcile`."""
    count = timer.rows().count()
    lacking = list(_without_run(timer).order_by("pk").values_list("pk", flat=True))
    scheduled, errors = 0, list[dict[str, Any]]()
    for start in range(0, len(lacking), BATCH):
        scheduled += _schedule(timer, lacking[start : start + BATCH], errors=errors)
        if tell is not None:
            tell(min(start + BATCH, len(lacking)), len(lacking))
    already = max(count, len(lacking)) - scheduled - len(errors)
    return Reconciled(
        total=scheduled + already + len(errors),
        scheduled=scheduled,
        already=already,
        errors=errors,
        surplus=_cancel_surplus(timer),
    )


def _without_run(timer: "Timer") -> "QuerySet[Any]":
    """The rows for which no run waits, or is running, at their very instant. One anti-join."""
    # Wrapped, so that the search takes no index over instants: thousands of rows may have the same
    # second, while a natural key leads to few runs.
    instant = Coalesce("scheduled_at", "due_at")
    theirs = Run.objects.unfinished().filter(task=timer.task).alias(instant=instant)
    theirs = theirs.filter(natural_key=_key(timer, OuterRef("pk")), instant=OuterRef(timer.at))
    return timer.rows().filter(~Exists(theirs))


def _schedule(timer: "Timer", pks: Sequence[Any], *, errors: list[dict[str, Any]]) -> int:
    """Park the runs of these rows in one transaction; halve the batch to find a bad row."""
    try:
        with transaction.atomic():
            rows = timer.rows().filter(pk__in=pks).order_by("pk")
            # Locked: who changes one of them now waits, and sets its run right after us.
            instants = dict(_locked(rows).values_list("pk", timer.at))
            timer.park(instants)
    except ONE_ROWS_FAULT as error:
        if len(pks) > 1:
            middle = len(pks) // 2
            halves = (pks[:middle], pks[middle:])
            return sum(_schedule(timer, half, errors=errors) for half in halves)
        extra = {"action": "timer_row_left_out", "timer": str(timer), "pk": str(pks[0])}
        log.exception("row not scheduled", extra=extra)
        errors.append({"pk": pks[0], "error": f"{type(error).__name__}: {error}"})
        return 0
    return len(instants)


def _cancel_surplus(timer: "Timer") -> int:
    """Cancel waiting runs whose row is gone or asks for none; return how many there were."""
    waiting = timer.runs().filter(publish_at__isnull=False).order_by()
    asked = timer.rows().order_by().annotate(timer_key=_key(timer, F("pk")))
    # A set operation, which both databases do by sorting, however many there are of each.
    surplus = waiting.values_list("natural_key").difference(asked.values_list("timer_key"))
    pks = [pk for (key,) in surplus if (pk := pk_of(timer, str(key))) is not None]
    cancelled = 0
    for start in range(0, len(pks), BATCH):
        batch = pks[start : start + BATCH]
        with transaction.atomic():
            rows = timer.model._base_manager.filter(pk__in=batch).order_by("pk")
            list(_locked(rows).values_list("pk", flat=True))
            asking = set(timer.rows().filter(pk__in=batch).values_list("pk", flat=True))
            gone = [pk for pk in batch if pk not in asking]
            cancelled += timer.drop(gone, reason="no row asks for it")
    return cancelled


def _key(timer: "Timer", pk: Expression | F | OuterRef) -> Expression:
    """Return the natural key of a row's run as the database makes it, as `Timer.key` does."""
    text: Expression = Cast(pk, CharField())
    if isinstance(_pk_field(timer), models.UUIDField):
        text = Replace(text, Value("-"), Value(""))  # SQLite keeps them without
    return Concat(Value(timer.prefix), text, output_field=CharField())


def pk_of(timer: "Timer", key: str) -> Any:
    """Return the row's key that a natural key names; None where it names none."""
    try:
        return _pk_field(timer).to_python(key.removeprefix(timer.prefix))
    except ValidationError:
        return None


def _pk_field(timer: "Timer") -> Any:
    pk: Any = timer.model._meta.pk
    while pk.remote_field is not None:  # of a model that inherits from another
        pk = pk.target_field
    return pk


def _locked(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    return rows.select_for_update(no_key=True, of=("self",))
