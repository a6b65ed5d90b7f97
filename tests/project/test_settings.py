"""The settings as processes see them: refusals on every way in, and what is handed to Celery."""

import re

import pytest

from project import settings as settings_module
from project.celery import app, celery_settings
from tests.project.programs import ROOT, run_python

A_KEY = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WAYS_IN = [
    ("manage.py", "check"),
    ("-m", "celery", "-A", "project", "worker"),
    ("-m", "gunicorn", "--bind", "127.0.0.1:0", "project.wsgi"),
    ("-m", "project.devstack", "up"),
]


@pytest.mark.parametrize("command", WAYS_IN, ids=["manage", "celery", "gunicorn", "up"])
def test_a_broken_variable_stops_the_start_with_one_line_and_exit_code_2(
    command: tuple[str, ...],
) -> None:
    ended = run_python(*command, LOG_LEVEL="loud")

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(r"LOG_LEVEL is 'loud': write one of DEBUG, INFO, .*\n", ended.stderr)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT is 'staging': write one of dev, prod."),
        ({"ENVIRONMENT": "prod"}, "SECRET_KEY is ''"),
        ({"ENVIRONMENT": "prod", "SECRET_KEY": A_KEY}, "ALLOWED_HOSTS is ''"),
        (
            {
                "ENVIRONMENT": "prod",
                "SECRET_KEY": A_KEY,
                "ALLOWED_HOSTS": "jobs.example.com",
                "SCHEDULER_JOBSTORE_URL": "postgresql://u:hush@h/n",
                "DATABASE_URL": "",
            },
            "SCHEDULER_JOBSTORE_URL is '***': it is read in dev only; set DATABASE_URL instead.",
        ),
    ],
)
def test_what_production_needs_is_asked_for(variables: dict[str, str], line: str) -> None:
    ended = run_python("-c", "import project.settings", **variables)

    assert ended.returncode == 2
    assert ended.stderr.startswith(line)
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        *(("celery", "-A", "project", name) for name in ("worker", "beat", "flower")),
        ("project.beat",),
    ],
    ids=lambda command: command[-1],
)
def test_without_a_broker_celery_says_so_in_one_line(command: tuple[str, ...]) -> None:
    ended = run_python("-m", *command, REDIS_URL="")

    assert ended.returncode == 1
    assert ended.stderr == (
        "There is no broker: start the system with ./run up, or set BROKER_URL.\n"
    )


def test_two_brokers_are_one_too_many() -> None:
    ended = run_python(
        "manage.py",
        "check",
        REDIS_URL="redis://127.0.0.1:1/0",
        BROKER_URL="amqp://guest:guest@127.0.0.1:1//",
    )

    assert ended.returncode == 2
    assert ended.stderr == "REDIS_URL is 'set': leave it out: BROKER_URL names another broker.\n"


def test_on_rabbitmq_an_idle_connection_beats_no_heart_and_priorities_are_declared() -> None:
    program = (
        "import django; django.setup(); from project.celery import app; c = app.conf\n"
        "print(c.broker_heartbeat, c.task_queue_max_priority, c.broker_transport_options)"
    )

    ended = run_python(
        "-c",
        program,
        BROKER_URL="amqp://guest:guest@127.0.0.1:1//",
        DJANGO_SETTINGS_MODULE="project.settings",
    )

    shown = "0 9 {'connect_timeout': 5, 'write_timeout': 10, 'max_retries': 0}\n"
    assert ended.stdout == shown, ended.stderr


def test_sentinels_are_asked_for_a_master_and_behind_a_pooler_no_connection_is_known_again() -> (
    None
):
    program = (
        "from django.conf import settings as s; d = s.DATABASES['default']\n"
        "print(s.CELERY_BROKER_TRANSPORT_OPTIONS['master_name'],"
        " d['OPTIONS']['prepare_threshold'], d['DISABLE_SERVER_SIDE_CURSORS'])"
    )

    ended = run_python(
        "-c",
        program,
        BROKER_URL="sentinel://:x@127.0.0.1:1;sentinel://:x@127.0.0.1:2",
        SENTINEL_MASTER="jobs",
        DATABASE_URL="postgresql://u:p@127.0.0.1:1/db?prepare_threshold=none",
        DJANGO_SETTINGS_MODULE="project.settings",
    )

    assert ended.stdout == "jobs None True\n", ended.stderr


def test_flower_refuses_to_start_without_a_password() -> None:
    ended = run_python("-m", "celery", "-A", "project", "flower", REDIS_URL="redis://127.0.0.1:1/0")

    assert ended.returncode == 1
    assert ended.stderr.startswith("Flower has no password: set FLOWER_BASIC_AUTH")
    assert len(ended.stderr.splitlines()) == 1


def test_a_refused_broker_is_told_at_once() -> None:
    program = (
        "import time, django; django.setup(); from project.celery import app\n"
        "start = time.monotonic()\n"
        "try: app.connection_for_write().default_channel\n"
        "except app.connection_for_write().connection_errors + (OSError, Exception): pass\n"
        "print(time.monotonic() - start)"
    )

    ended = run_python(
        "-c", program, REDIS_URL="redis://127.0.0.1:1/0", DJANGO_SETTINGS_MODULE="project.settings"
    )

    assert float(ended.stdout) < 1, ended.stderr


def test_the_celery_app_knows_only_celerys_settings() -> None:
    table = app.conf.table(with_defaults=False)

    assert "SECRET_KEY" not in table
    assert "DATABASES" not in table
    assert set(celery_settings()) >= {"result_backend", "beat_scheduler", "CELERY_DB_REUSE_MAX"}
    assert app.conf.result_extended is True
    assert app.conf.get("CELERY_DB_REUSE_MAX") == 10_000


def test_sqlite_takes_its_write_lock_when_a_transaction_begins() -> None:
    program = "from project.settings import DATABASES; print(DATABASES['default']['OPTIONS'])"

    ended = run_python("-c", program, DATABASE_URL="")

    assert "'transaction_mode': 'IMMEDIATE'" in ended.stdout
    assert "journal_mode=WAL" in ended.stdout
    assert "'timeout': 20" in ended.stdout


def test_every_environment_variable_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()

    assert [name for name in sorted(settings_module.env.names) if f"`{name}`" not in readme] == []
