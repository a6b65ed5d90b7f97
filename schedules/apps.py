"""The Django app. Start-up work happens in command lines, never here."""

from typing import Any

import django
from celery.signals import worker_shutdown
from django.apps import AppConfig
from django.core.signals import setting_changed
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from schedules import checks, conf, redaction
from schedules.adapters import zone_field


class SchedulesConfig(AppConfig):
    """Connects what keeps the triggers in place across migrations."""

    name = "schedules"
    verbose_name = "Scheduler"
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        zone_field.put_in_place()  # now, because all apps' models are imported next

    def import_models(self) -> None:
        """Import the models; first say which of the apps that they refer to are missing."""
        checks.require_apps()
        super().import_models()

    def ready(self) -> None:
        """Register the trigger keeper, the end of leases, the alerts, the cache of options and
        what SQLite needs to be told.
        """
        from schedules import lease
        from schedules.adapters import triggers
        from schedules.alerts import jobs, receivers  # noqa: F401 - declares one of the framework's
        from schedules.operations.outcome_checks import jobs as checks_jobs  # noqa: F401 - the other

        conf.options()  # refuses a wrong key before anything starts
        pre_migrate.connect(triggers.drop, sender=self, dispatch_uid="schedules.triggers.drop")
        post_migrate.connect(triggers.create, sender=self, dispatch_uid="schedules.triggers.create")
        worker_shutdown.connect(lambda **_: lease.end(), weak=False, dispatch_uid="schedules.lease")
        receivers.connect()
        setting_changed.connect(_forget_options, dispatch_uid="schedules.options")
        connection_created.connect(_use_real_limit, dispatch_uid="schedules.sqlite_limit")
        connection_created.connect(_read_any_text, dispatch_uid="schedules.sqlite_text")


def _forget_options(*, setting: str, **_: Any) -> None:
    if setting == "SCHEDULES":
        conf.options.cache_clear()
    redaction.forget()


def _use_real_limit(*, connection: Any, **_: Any) -> None:
    """Let bulk statements be as large as this SQLite allows; Django 5 assumes the 999 of 2008."""
    if connection.vendor == "sqlite" and django.VERSION < (6, 0):
        import sqlite3  # a library that no process on PostgreSQL needs

        limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = limit


def _read_any_text(*, connection: Any, **_: Any) -> None:
    """Let SQLite's text be read whatever SQL has put there: a byte that is no UTF-8 comes as
    \\xff. Otherwise one such row fails the statement, and so all others; which it is, is found by
    `adapters.unreadable`.
    """
    if connection.vendor == "sqlite":
        connection.connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
