"""`python -m project.beat` brings a Beat and nothing else into memory."""

from tests.project.programs import run_python

NOT_NEEDED = {
    "celery.bin",  # Celery's command line, which brings the next six
    "click_repl",
    "flower",
    "prometheus_client",
    "prompt_toolkit",
    "pygments",
    "tornado",
    "gunicorn",
    "ninja",
    "schedules.api",
    "schedules.dashboard",
    "schedules.urls",
    "project.api",
    "project.urls",
    "celery.apps.worker",
    "pydantic",  # checks arguments; Beat's own calls carry none
    "pydantic_core",
    "schedules.admin",  # and each area's pages, with all that they show
    "django_celery_beat.admin",
    "django.contrib.auth.forms",
    "tasks.people.admin",
    "project.admin",
    "schedules.operations.shapes",
    "schedules.ledger",
    "schedules.operations.backfill",
    "schedules.alerts.sending",  # and how to call a webhook
    "schedules.alerts.calling",
    "schedules.operations.outcome_checks.judging",  # Beat plans that it is done
    "schedules.operations.job_history",
    "schedules.operations.doctor",  # what looks after an installation
    "schedules.operations.install",
    "schedules.operations.lifecycle",
    "schedules.operations.monitoring",
    "schedules.operations.status",
    "billiard.pool",  # of a worker
    "ephem",  # for timetables that follow the sun
    "timezone_field.backends.zoneinfo",  # which reads all zones, for a form
    "sqlite3",  # on PostgreSQL
}


def test_a_beat_imports_no_command_line_no_pages_and_no_worker() -> None:
    code = (
        "import sys; from project.beat import app; app.Beat().init_loader();"
        "import schedules.beat; print(*sys.modules)"
    )
    ended = run_python("-c", code, DATABASE_URL="postgresql://nobody@localhost/nothing")

    assert ended.returncode == 0, ended.stderr
    loaded = ended.stdout.split()
    assert "schedules.beat" in loaded
    assert NOT_NEEDED.isdisjoint(loaded)


def test_nothing_is_collected_while_a_beat_imports_and_all_is_once_it_lives() -> None:
    code = (
        "import gc, os; from project.beat import app; app.Beat().init_loader();"
        "from schedules.beat import Scheduler; scheduler = Scheduler(app=app, lazy=True);"
        "print(gc.isenabled()); scheduler.setup_schedule(); print(gc.isenabled(), flush=True);"
        "os._exit(0)"  # without saying goodbye to a database
    )
    ended = run_python("-c", code)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["False", "True"]


def test_a_check_looks_at_the_pages_of_every_area_though_no_start_imports_them() -> None:
    code = (
        "import django; django.setup(); from django.contrib.admin import site;"
        "from django.core.checks import run_checks; print(len(site._registry));"
        "run_checks(tags=['admin']);"
        "print(*{type(page).__module__ for page in site._registry.values()})"
    )
    ended = run_python("-c", code, DJANGO_SETTINGS_MODULE="project.settings")

    assert ended.returncode == 0, ended.stderr
    registered, *pages = ended.stdout.split()
    assert registered == "0"
    assert {"schedules.admin.jobs", "tasks.people.admin", "project.admin"} <= set(pages)
