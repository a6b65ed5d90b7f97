"""Taking a model under care: from here on its rows' runs follow every write through Django.

`save`, fixtures and deletions, cascades among them, are heard by Django's signals; what sends none
- `bulk_create`, `update` - by a layer over the querysets of the model's managers. Migrations see
models of their own, which know nothing of it; reconciliation finds what they did.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, transaction
from django.db.models.signals import post_delete, post_save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schedules.timers.declaration import Timer

_timers: dict[type[models.Model], list["Timer"]] = {}

_swept: ContextVar[bool] = ContextVar("swept", default=False)
"""Whether rows are being deleted by a queryset that drops their runs itself, all at once."""


def adopt(model: type[models.Model], timer: "Timer") -> None:
    """Let the timer follow the model's rows. Raises ImproperlyConfigured for its second like it."""
    theirs = _timers.get(model)
    if theirs is None:
        theirs = _timers[model] = []
        post_save.connect(_after_save, sender=model, dispatch_uid="schedules.timers")
        post_delete.connect(_after_delete, sender=model, dispatch_uid="schedules.timers")
        _in_one_transaction(model)
        _over_managers(model)
    if any(other.task == timer.task for other in theirs):
        raise ImproperlyConfigured(
            f"{timer} is declared twice: give each timer of a model a task of its own."
        )
    theirs.append(timer)


def timers_of(model: type[models.Model]) -> Sequence["Timer"]:
    """Return the timers that follow the model's rows, those of what it inherits from among them."""
    return [timer for base in model.__mro__ for timer in _timers.get(base, ())]


def timer_of(task: str) -> "Timer | None":
    """Return the timer whose runs are of this task; None for a task that follows no rows."""
    every = (timer for theirs in _timers.values() for timer in theirs)
    return next((timer for timer in every if timer.task == task), None)


def _after_save(
    sender: type[models.Model],
    *,
    instance: models.Model,
    using: str,
    update_fields: Collection[str] | None = None,
    raw: bool = False,
    **_: Any,
) -> None:
    if raw:
        _Loaded.add(sender, instance.pk, using)
        return
    for timer in timers_of(sender):
        if update_fields is None or timer.decisive & set(update_fields):
            timer.keep([instance.pk], using=using)


class _Loaded:
    """Rows that a fixture has brought. Their runs are kept after its commit, since they may be in
    the same fixture; all together, since they may be many.
    """

    def __init__(self, model: type[models.Model], using: str) -> None:
        self.model, self.using = model, using
        self.pks: list[Any] = []

    @classmethod
    def add(cls, model: type[models.Model], pk: Any, using: str) -> None:
        """Note one row."""
        for _, waiting, *_ in transaction.get_connection(using).run_on_commit:
            if isinstance(waiting, cls) and waiting.model is model:
                waiting.pks.append(pk)
                return
        loaded = cls(model, using)
        loaded.pks.append(pk)
        transaction.on_commit(loaded, using=using)

    def __call__(self) -> None:
        """Keep their runs."""
        for timer in timers_of(self.model):
            with transaction.atomic(using=self.using):
                timer.keep(self.pks, using=self.using)


def _after_delete(sender: type[models.Model], *, instance: models.Model, **_: Any) -> None:
    if not _swept.get():
        _drop(sender, [instance.pk])


def _drop(model: type[models.Model], pks: Sequence[Any]) -> None:
    for timer in timers_of(model):
        timer.drop(pks, reason=f"the {model._meta.verbose_name} was deleted")


def _in_one_transaction(model: type[models.Model]) -> None:
    """Make row and run one commit: Django opens no transaction around the save of a plain row."""
    save: Callable[..., None] = model.save

    @wraps(save)
    def saved(self: models.Model, *args: Any, **kwargs: Any) -> None:
        written = kwargs.get("update_fields")
        if written is not None and not _decisive(type(self)) & set(written):
            save(self, *args, **kwargs)
            return
        with transaction.atomic(using=kwargs.get("using")):
            save(self, *args, **kwargs)
            if type(self) is not model:  # its signals have the name of the heir, or of the proxy
                _after_save(
                    type(self), instance=self, using=str(self._state.db), update_fields=written
                )

    model.save = saved  # type: ignore[method-assign]


def _over_managers(model: type[models.Model]) -> None:
    """Let the querysets of all managers of the model keep the runs."""
    for manager in model._meta.managers:
        kind: Any = type(manager)
        if issubclass(kind._queryset_class, _Timed):
            continue
        layered = (_Timed, kind._queryset_class)
        queryset = type(f"Timed{kind._queryset_class.__name__}", layered, {})
        if kind is not models.Manager:
            # In place, for type checkers look a generated manager up by its class. For a model that
            # shares it and has no timer the layer does nothing.
            kind._queryset_class = queryset
            continue
        own = next((m for m in model._meta.local_managers if m.name == manager.name), None)
        if own is None:  # an abstract model gave it
            own = manager
            model.add_to_class(manager.name, own)
        own.__class__ = _heir_of_djangos(queryset)
    for heir in (model, *_heirs(model)):
        heir._meta._expire_cache()  # type: ignore[attr-defined]  # it has copies of the managers


def _heir_of_djangos(queryset: type[Any]) -> type[Any]:
    named = {"__module__": models.Manager.__module__, "__qualname__": models.Manager.__qualname__}
    return type("Manager", (models.Manager,), {"_queryset_class": queryset, **named})


def _heirs(model: type[models.Model]) -> "Iterator[type[models.Model]]":
    for heir in model.__subclasses__():
        yield heir
        yield from _heirs(heir)


def _decisive(model: type[models.Model]) -> frozenset[str]:
    return frozenset().union(*(timer.decisive for timer in timers_of(model)))


@contextmanager
def _sweeping() -> "Iterator[None]":
    token = _swept.set(True)
    try:
        yield
    finally:
        _swept.reset(token)


class _Timed(models.QuerySet[Any]):
    """What lies over the querysets of an adopted model."""

    def __reduce__(self) -> Any:
        # The class is made anew in each process: a pickled queryset finds it by its model.
        return _empty, (self.model, type(self).__name__), self.__getstate__()

    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> list[Any]:
        """Insert as Django does, and park a run for each row that asks for one."""
        if not timers_of(self.model):
            return super().bulk_create(objs, batch_size, ignore_conflicts, *args, **kwargs)
        rows = list(objs)
        with transaction.atomic(using=self.db):
            if not ignore_conflicts:
                super().bulk_create(rows, batch_size, False, *args, **kwargs)
                self._keep([row.pk for row in rows])
            elif all(row.pk is not None for row in rows):
                super().bulk_create(rows, batch_size, True, *args, **kwargs)
                self._keep([row.pk for row in rows])
            else:
                self._insert_what_does_not_conflict(rows, batch_size, *args, **kwargs)
        return rows

    def update(self, **kwargs: Any) -> int:
        """Update as Django does, and set the runs right where a decisive field may have changed.

        `bulk_update` comes through here, batch by batch.
        """
        if not _decisive(self.model) & kwargs.keys():
            return super().update(**kwargs)
        with transaction.atomic(using=self.db):
            # Before the update: afterwards its rows may no longer be among those that were meant.
            pks = self._lock()
            updated = super(_Timed, self._pinned(pks)).update(**kwargs)
            self._result_cache = None
            self._keep(pks)
        return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete as Django does, and cancel the runs."""
        if not timers_of(self.model):
            return super().delete()
        with transaction.atomic(using=self.db), _sweeping():
            pks = self._lock()
            deleted = super(_Timed, self._pinned(pks)).delete()
            self._result_cache = None
            _drop(self.model, pks)
        return deleted

    # As with Django's own: not on the manager, where one slip would empty the table.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
    bulk_create.alters_data = True  # type: ignore[attr-defined]
    update.alters_data = True  # type: ignore[attr-defined]

    def _insert_what_does_not_conflict(self, rows: list[Any], *args: Any, **kwargs: Any) -> None:
        """Such an insert does not return the keys that it gave: they are those that are new."""
        batch_size, *rest = args
        newest = self.model._base_manager.using(self.db).order_by("pk")
        last = newest.values_list("pk", flat=True).last()
        super().bulk_create(rows, batch_size, True, *rest, **kwargs)
        given = newest if last is None else newest.filter(pk__gt=last)
        pks = list(given.values_list("pk", flat=True))
        self._keep([*pks, *(row.pk for row in rows if row.pk is not None and row.pk not in pks)])

    def _keep(self, pks: Sequence[Any]) -> None:
        for timer in timers_of(self.model):
            timer.keep(pks, using=self.db)

    def _lock(self) -> list[Any]:
        """Return the keys of these rows, locked until commit where the database locks rows."""
        meant = self.order_by().values("pk")
        rows = self.model._base_manager.using(self.db).filter(pk__in=meant).order_by("pk")
        return list(rows.select_for_update(no_key=True).values_list("pk", flat=True))

    def _pinned(self, pks: Sequence[Any]) -> Any:
        """Return this queryset without rows that others have added to it since `_lock`.

        SQLite has one writer, who is us by now, and a limit to the number of parameters.
        """
        if connections[self.db].features.has_select_for_update:
            return self.filter(pk__in=pks)
        return self


def _empty(model: type[models.Model], name: str) -> Any:
    """Return an unfilled queryset of the model's own class of that name."""
    kinds = {type(manager.get_queryset()) for manager in model._meta.managers}
    kind = next(kind for kind in kinds if kind.__name__ == name)
    return kind.__new__(kind)
