"""The system checks: each says what is missing and how to mend it."""

from copy import deepcopy
from typing import Any

import pytest
from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from schedules.checks import NEEDED_APPS, check_project
from schedules.registry import job


def only(**_: Any) -> CheckMessage:
    """Return the one message, which must come with its remedy."""
    [message] = check_project()
    assert message.hint
    return message


def test_nothing_is_missing_here() -> None:
    assert check_project() == []


def test_naive_times_are_refused(settings: Any) -> None:
    settings.USE_TZ = False

    assert only().id == "schedules.E001"


@pytest.mark.parametrize("app", NEEDED_APPS)
def test_a_missing_app_is_named_with_its_remedy_before_anything_fails_for_it(
    settings: Any, app: str
) -> None:
    sentence = f"schedules.E002: {app} is not in INSTALLED_APPS.*: add '{app}' to INSTALLED_APPS"

    with pytest.raises(ImproperlyConfigured, match=sentence):
        settings.INSTALLED_APPS = [
            each for each in settings.INSTALLED_APPS if AppConfig.create(each).name != app
        ]


def test_an_app_named_by_its_config_is_installed(settings: Any) -> None:
    config = "django_celery_results.apps.CeleryResultConfig"
    settings.INSTALLED_APPS = [
        config if app == "django_celery_results" else app for app in settings.INSTALLED_APPS
    ]

    assert check_project() == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("beat_scheduler", "celery.beat:PersistentScheduler", "schedules.E003"),
        ("result_backend", "django-db", "schedules.E004"),
        ("accept_content", ["json", "pickle"], "schedules.E005"),
        ("result_extended", False, "schedules.W001"),
    ],
)
def test_a_wrong_celery_setting_is_shown_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, number: str
) -> None:
    monkeypatch.setitem(current_app.conf, name, value)

    assert only().id == number
    assert f"CELERY_{name.upper()} = " in (only().hint or "")


def test_addresses_that_are_not_included_are_missed(settings: Any) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"

    assert only().id == "schedules.E007"


def test_a_login_that_is_not_there_is_a_warning(settings: Any) -> None:
    settings.LOGIN_URL = "/accounts/log-me-in/"

    assert only().id == "schedules.W003"


def test_an_sqlite_that_would_lock_up_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    databases = deepcopy(settings.DATABASES)
    databases["default"] |= {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}}
    monkeypatch.setattr(settings, "DATABASES", databases)

    assert only().id == "schedules.W002"


@pytest.mark.parametrize("key", ["reports/daily", "12", "preview"])
def test_a_declared_key_that_no_address_can_hold_is_refused(key: str) -> None:
    def tell() -> None: ...

    with pytest.raises(ImproperlyConfigured, match=f"Job '{key}' of .*: give it another key: "):
        job(key=key)(tell)
