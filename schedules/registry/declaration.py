"""The decorator `@job` and what it records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from inspect import cleandoc, signature
from typing import Any

from celery import shared_task
from django.core.exceptions import ImproperlyConfigured

from schedules.errors import InvalidInput
from schedules.registry.checking import Checker, check_texts, named_checkers, texts_of
from schedules.registry.keys import why_no_key
from schedules.states import OnLost, Overlap
from schedules.timing import Timetable, smallest_gap
from schedules.timing.instants import in_seconds

INJECTED = frozenset({"scheduled_at", "run"})
"""Parameters that the worker fills in; they are no arguments of the job."""

declared: dict[str, "Declaration"] = {}
"""By Celery name. Filled at import by `@job`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A task with its default timetable and policy, as code states them."""

    function: Callable[..., Any]
    task: str
    key: str
    timetable: Timetable | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    atomic: bool = False
    misfire_grace: timedelta | None = timedelta(seconds=60)
    coalesce: bool = True
    max_instances: int = 1
    overlap: Overlap = Overlap.SKIP
    priority: int = 0
    queue: str = ""
    jitter: timedelta = timedelta(0)
    time_limit: timedelta | None = None
    soft_time_limit: timedelta | None = None
    max_retries: int = 0
    retry_delay: timedelta = timedelta(seconds=60)
    on_lost: OnLost = OnLost.FAIL
    exclusive: bool = False
    is_primary: bool = False
    at_start: timedelta | None = None
    checks: Sequence[str | Checker] = ()

    @property
    def call_options(self) -> dict[str, Any]:
        """What a one-off call's run keeps of the declaration; a job's run has it from its job."""
        kept: dict[str, Any] = {"on_lost": str(self.on_lost)}
        return {**kept, "exclusive": True} if self.exclusive else kept

    @property
    def injected(self) -> frozenset[str]:
        """Those of `scheduled_at` and `run` that the function asks for."""
        return _injected(self.function)


@cache
def _injected(function: Callable[..., Any]) -> frozenset[str]:
    return INJECTED & signature(function).parameters.keys()


def job(
    timetable: Timetable | None = None,
    *,
    key: str | None = None,
    name_en: str = "",
    name_ar: str = "",
    name_id: str = "",
    description_en: str = "",
    description_ar: str = "",
    description_id: str = "",
    kwargs: Mapping[str, Any] | None = None,
    enabled: bool = True,
    atomic: bool = False,
    idempotent: bool = False,
    misfire_grace: timedelta | None = timedelta(seconds=60),
    on_lost: OnLost | None = None,
    **policy: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a function as a task of the scheduler and return it as a Celery task.

    With a `timetable` it is a job of its own, installed after migrate; without one it runs when it
    is called. `atomic` wraps body, result and success in one database transaction: for short bodies
    that touch nothing but the database. `idempotent` says that a second execution does no harm;
    both make `on_lost` "retry" by default. `misfire_grace` None means however late. `at_start` also
    runs the job once, that long after a Beat has started. `checks` say what a good result looks
    like: expressions, or functions that get a `CheckedRun`. The remaining keywords are
    `Declaration`'s.

    Raises ImproperlyConfigured when two functions claim one name or key, and for a key that no
    address can hold.
    """

    def declare(function: Callable[..., Any]) -> Any:
        area = function.__module__.removesuffix(".jobs").removesuffix(".tasks").rpartition(".")[2]
        doc = cleandoc(function.__doc__ or "")
        title = function.__name__.replace("_", " ").capitalize()
        declaration = Declaration(
            function=function,
            task=f"{area}.{function.__name__}",
            key=key or function.__name__,
            timetable=timetable,
            names={"en": name_en or title, "ar": name_ar, "id": name_id},
            descriptions={"en": description_en or doc, "ar": description_ar, "id": description_id},
            kwargs=dict(kwargs or {}),
            enabled=enabled,
            atomic=atomic,
            misfire_grace=misfire_grace if timetable else None,
            on_lost=on_lost or (OnLost.RETRY if atomic or idempotent else OnLost.FAIL),
            **policy,
        )
        _check_key(declaration)
        _check_limits(declaration)
        _check_checks(declaration)
        _record(declaration)
        # A hard limit alone counts for nothing beside the app's longer soft one: Celery begins to
        # watch it only when the soft one has passed.
        soft_time_limit = declaration.soft_time_limit or declaration.time_limit
        limits: dict[str, Any] = {
            "time_limit": in_seconds(declaration.time_limit),
            "soft_time_limit": in_seconds(soft_time_limit),
        }
        # Arguments are checked against the signature without the injected parameters: no typing.
        make: Any = shared_task(name=declaration.task, typing=False, **limits)
        return make(function)

    return declare


def _check_key(declaration: Declaration) -> None:
    if reason := why_no_key(declaration.key):
        raise ImproperlyConfigured(
            f"Job {declaration.key!r} of {declaration.function.__module__}: give it another key:"
            f" {reason}."
        )


def _check_limits(declaration: Declaration) -> None:
    soft, hard = declaration.soft_time_limit, declaration.time_limit
    if soft is not None and (hard is None or soft >= hard):
        raise ImproperlyConfigured(
            f"Job {declaration.key!r}: soft_time_limit is {soft}, time_limit {hard}:"
            " give a time_limit that is longer than the soft one."
        )
    gap = None if declaration.timetable is None else smallest_gap(declaration.timetable)
    if declaration.jitter and gap is not None and declaration.jitter >= gap:
        raise ImproperlyConfigured(
            f"Job {declaration.key!r}: jitter is {declaration.jitter}: write one that is shorter"
            f" than the least time between two occurrences, {gap}."
        )


def _check_checks(declaration: Declaration) -> None:
    known = named_checkers(declaration.checks)
    try:
        check_texts(texts_of(declaration.checks), known=known)
    except InvalidInput as error:
        raise ImproperlyConfigured(f"Job {declaration.key!r}: {error}") from error


def _record(declaration: Declaration) -> None:
    for other in declared.values():
        same_place = (
            other.function.__module__ == declaration.function.__module__
            and other.function.__qualname__ == declaration.function.__qualname__
        )
        if same_place:
            continue  # the module was imported again
        if other.task == declaration.task or other.key == declaration.key:
            raise ImproperlyConfigured(
                f"Job {declaration.key!r} of {declaration.function.__module__} is already declared"
                f" by {other.function.__module__}: give one of them another key or name."
            )
    declared[declaration.task] = declaration
