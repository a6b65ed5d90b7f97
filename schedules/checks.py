"""System checks: what a project must have for the promises to hold, and how to mend it."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

SCHEDULER = "schedules.beat:Scheduler"
BACKEND = "schedules.results:DatabaseBackend"


@register("schedules")
def check_project(**_: Any) -> list[CheckMessage]:
    """Return what is missing in the project's settings."""
    return [*_check_settings(), *_check_celery()]


def _check_settings() -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(
            f"{app} is not in INSTALLED_APPS.",
            hint=f"Add {app!r}: the scheduler uses its tables.",
            id="schedules.E002",
        )
        for app in ("django_celery_beat", "django_celery_results")
        if app not in settings.INSTALLED_APPS
    ]
    if not settings.USE_TZ:
        found.append(
            Error(
                "USE_TZ is False, and naive datetimes are hours off in every zone but one.",
                hint="Set USE_TZ = True.",
                id="schedules.E001",
            )
        )
    return found


def _check_celery() -> list[CheckMessage]:
    conf = current_app.conf
    found: list[CheckMessage] = []
    if conf.beat_scheduler != SCHEDULER:
        found.append(_wrong("beat_scheduler", conf.beat_scheduler, SCHEDULER, "schedules.E003"))
    if conf.result_backend != BACKEND:
        found.append(_wrong("result_backend", conf.result_backend, BACKEND, "schedules.E004"))
    formats = {conf.task_serializer, conf.result_serializer, *conf.accept_content}
    if formats != {"json"}:
        found.append(_wrong("accept_content", sorted(formats), ["json"], "schedules.E005"))
    return found


def _wrong(name: str, found: object, accepted: object, check_id: str) -> Error:
    return Error(
        f"Celery's {name} is {found!r}; the scheduler needs {accepted!r}.",
        hint=f"Set CELERY_{name.upper()} = {accepted!r}.",
        id=check_id,
    )
