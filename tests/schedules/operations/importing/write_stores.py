"""A program that writes APScheduler's two job stores with whichever version it can import.

Arguments: the SQLite file of its SQLAlchemy store, and that of django-apscheduler.
"""

import sys
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import apscheduler
import django
from django.conf import settings

FAR = datetime(2099, 5, 1, 6, 30)  # noqa: DTZ001 - naive, in the scheduler's zone, as people write


def add_jobs(scheduler: Any) -> None:
    """Add the same jobs to every store."""
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    add, tick = (
        f"tests.schedules.operations.importing.old_jobs:{name}" for name in ("add", "tick")
    )
    jobs: dict[str, dict[str, Any]] = {
        "workdays": {"trigger": "cron", "day_of_week": "0-4", "hour": 5, "max_instances": 3},
        "sundays": {"trigger": "cron", "day_of_week": 6, "day": "1-7", "hour": 5, "minute": 30},
        "crontab": {"trigger": CronTrigger.from_crontab("15 3 * * 1-5", timezone="UTC")},
        "positions": {"trigger": "cron", "day": "1st mon,last fri", "month": "jan-mar"},
        "half-minutes": {"trigger": "cron", "second": "*/30"},
        "odd-second": {"trigger": "cron", "second": "7"},
        "one-year": {"trigger": "cron", "year": 2098, "hour": 1},
        "both": {"trigger": OrTrigger([CronTrigger(hour=1), CronTrigger(hour=2)])},
        "five-minutes": {
            "trigger": "interval",
            "minutes": 5,
            "start_date": datetime(2020, 1, 1, 0, 2, tzinfo=ZoneInfo("UTC")),
            "misfire_grace_time": 120,
            "jitter": 10,
        },
        "fraction": {"trigger": "interval", "seconds": 1.5},
        "once": {"trigger": "date", "run_date": FAR},
        "paused": {"trigger": "interval", "hours": 1, "next_run_time": None},
        "many": {"trigger": "interval", "hours": 1, "max_instances": 20, "coalesce": False},
    }
    for name, options in jobs.items():
        args = {} if "args" in options else {"args": [1], "kwargs": {"y": 2}}
        scheduler.add_job(add, id=name, **args, **options)
    scheduler.add_job(add, "interval", hours=1, id="dated", args=[timedelta(days=1)])
    scheduler.add_job(tick, "interval", weeks=1, id="renamed")
    scheduler.add_job(tick, "interval", days=1, id="daily")


def main() -> None:
    """Write both stores and print the version that did."""
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    plain, in_django = sys.argv[1:3]
    settings.configure(
        INSTALLED_APPS=["django_apscheduler"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": in_django}},
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command
    from django_apscheduler.jobstores import DjangoJobStore

    call_command("migrate", verbosity=0)
    for store in (SQLAlchemyJobStore(url=f"sqlite:///{plain}"), DjangoJobStore()):
        scheduler = BackgroundScheduler(timezone="Asia/Jakarta", jobstores={"default": store})
        scheduler.start(paused=True)
        add_jobs(scheduler)
        scheduler.shutdown()
    sys.stdout.write(f"{apscheduler.__version__}\n")


if __name__ == "__main__":
    main()
