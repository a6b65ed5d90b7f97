"""Finding declarations. The modules that declare are imported on the first question."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from celery import current_app

from schedules.errors import InvalidInput, WithoutRun
from schedules.registry.declaration import Declaration, declared

MAPS = {"celery.map": "map", "celery.starmap": "starmap", "celery.chunks": "chunks"}
"""Celery's own tasks that call another one as a function, once for each item."""


@cache
def load() -> None:
    """Import every module that may declare jobs, once, as a worker does when it starts."""
    current_app.loader.import_default_modules()


def find(task: str) -> Declaration | None:
    """Return what code declares under this Celery name, or None."""
    if task not in declared and not _is_builtin(task):
        load()
    return declared.get(task)


def declared_as(task: str) -> Declaration:
    """Return what code declares under this Celery name. Raises InvalidInput."""
    declaration = find(task)
    if declaration is None:
        raise InvalidInput("task", task, "a function declared with @job")
    return declaration


def is_declared(task: str) -> bool:
    """Whether `@job` knows the Celery name."""
    return find(task) is not None


def all_declared() -> Collection[Declaration]:
    """Return every declaration, in order of import."""
    load()
    return declared.values()


def _is_builtin(task: str) -> bool:
    return task.startswith("celery.")


def refuse_map_of_declared(name: str, kwargs: Mapping[str, Any] | None) -> None:
    """Raise WithoutRun if the task `name` would call a declared one, its argument `task`, for each
    of many items.
    """
    signature = (kwargs or {}).get("task") if name in MAPS else None
    mapped = signature.get("task") if isinstance(signature, Mapping) else None
    if isinstance(mapped, str) and find(mapped) is not None:
        raise WithoutRun(mapped, MAPS[name])
