"""Finding declarations. The modules that declare are imported on the first question."""

from collections.abc import Collection
from functools import cache

from celery import current_app

from schedules.errors import InvalidInput
from schedules.registry.declaration import Declaration, declared


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
