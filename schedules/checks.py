"""System checks: what a project must have for the promises to hold, and how to mend it."""

from collections.abc import Iterable
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

SCHEDULER = "schedules.beat:Scheduler"
APP = "schedules.app.Downbeat"
BACKEND = "schedules.results:DatabaseBackend"
NEEDED_APPS = (
    "django.contrib.admin",
    "django_celery_beat",
    "django_celery_results",
    "django.contrib.auth",
    "django.contrib.contenttypes",
)


@register("schedules")
def check_project(**_: Any) -> list[CheckMessage]:
    """Return what is missing in the project's settings."""
    return [*_check_settings(), *_check_celery(), *_check_addresses(), *_check_databases()]


@register(Tags.database)
def check_encodings(*, databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return which of `databases` have no room for every text; `migrate` and `check --database`
    ask. Raises DatabaseError where one does not answer.
    """
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor != "postgresql":
            continue
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_encoding")
            (encoding,) = cursor.fetchone()
        if encoding != "UTF8":
            found.append(
                Error(
                    f"The database {connection.settings_dict['NAME']!r} is encoded in {encoding},"
                    " and the scheduler's texts, Arabic ones among them, need UTF8.",
                    hint="Use another, made by CREATE DATABASE name TEMPLATE template0"
                    " ENCODING 'UTF8'.",
                    id="schedules.E008",
                )
            )
    return found


def require_apps() -> None:
    """Raise ImproperlyConfigured, with the remedy, unless the apps that ours builds on are there.

    Django can check nothing else before it has loaded our models, which cannot be without theirs.
    """
    missing = [app for app in NEEDED_APPS if not apps.is_installed(app)]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ImproperlyConfigured(
            f"schedules.E002: {', '.join(missing)} {are} not in INSTALLED_APPS, and the scheduler"
            f" uses what is in there: add {', '.join(map(repr, missing))} to INSTALLED_APPS."
        )


def _check_settings() -> list[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is False, and naive datetimes are hours off in every zone but one.",
            hint="Set USE_TZ = True.",
            id="schedules.E001",
        )
    ]


def _check_celery() -> list[CheckMessage]:
    app: Any = current_app._get_current_object()  # type: ignore[attr-defined]  # Celery's proxy
    # By name: this module stands below the app's.
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(app).__mro__]
    if APP not in kinds:
        return [
            Error(
                f"The Celery app is a {kinds[0]}, which would send calls of declared tasks"
                " without a row.",
                hint="Make it with `from schedules.app import Downbeat; app = Downbeat('name')`,"
                " and import it in the project's __init__.py, so that it is the current one.",
                id="schedules.E006",
            )
        ]
    conf = app.conf
    found: list[CheckMessage] = []
    if conf.beat_scheduler != SCHEDULER:
        found.append(_wrong("beat_scheduler", conf.beat_scheduler, SCHEDULER, "schedules.E003"))
    if conf.result_backend != BACKEND:
        found.append(_wrong("result_backend", conf.result_backend, BACKEND, "schedules.E004"))
    formats = {conf.task_serializer, conf.result_serializer, *conf.accept_content}
    if formats != {"json"}:
        found.append(_wrong("accept_content", sorted(formats), ["json"], "schedules.E005"))
    if not conf.result_extended:
        found.append(
            Caution(
                "Celery's result_extended is off, so tracebacks are not kept.",
                hint="Set CELERY_RESULT_EXTENDED = True.",
                id="schedules.W001",
            )
        )
    return found


def _check_addresses() -> list[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("scheduler:overview")
    except NoReverseMatch:
        return [
            Error(
                "The scheduler's pages and its API have no addresses.",
                hint="Add path('', include('schedules.urls')) to ROOT_URLCONF; a prefix may be"
                " given instead of ''.",
                id="schedules.E007",
            )
        ]
    login = resolve_url(settings.LOGIN_URL)
    try:
        if login.startswith("/"):
            resolve(login)
    except Resolver404:
        return [
            Caution(
                f"Who opens the scheduler's pages is sent to {login!r}, where nothing is.",
                hint="Set LOGIN_URL, for example to 'admin:login'.",
                id="schedules.W003",
            )
        ]
    return []


def _check_databases() -> list[CheckMessage]:
    # A transaction that begins by reading cannot wait for SQLite's write lock later.
    return [
        Caution(
            f"The SQLite database {alias!r} begins transactions without the write lock: with"
            " several processes some of them fail at once with 'database is locked'.",
            hint="Set OPTIONS = {'transaction_mode': 'IMMEDIATE', 'timeout': 20, 'init_command':"
            " 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;'}.",
            id="schedules.W002",
        )
        for alias, database in settings.DATABASES.items()
        if database.get("ENGINE") == "django.db.backends.sqlite3"
        and database.get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE"
    ]


def _wrong(name: str, found: object, accepted: object, check_id: str) -> Error:
    return Error(
        f"Celery's {name} is {found!r}; the scheduler needs {accepted!r}.",
        hint=f"Set CELERY_{name.upper()} = {accepted!r}.",
        id=check_id,
    )
