"""Stock django-celery-beat with django-celery-results: its app, its tasks, its jobs.

`celery -A bench.peers.stock beat | worker`, and `python -m bench.peers.stock VERB ...`.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.stock_settings")

from celery import Celery

from bench.daily import crontab
from bench.marks import mark

app = Celery("stock")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="stock.noop")
def noop() -> None:
    """Do nothing."""


@app.task(name="stock.note")
def note(name: str) -> None:
    """Write down the time under a name."""
    mark(name)


def fill(count: int, kind: str) -> None:
    """Write that many enabled daily jobs: with the `crontab` that ours have (`bench.daily`), or
    with an `interval` of a day, which is lighter to load and may be let due to the second.
    """
    from django.db import connection
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

    now = datetime.now(UTC)
    if kind == "crontab":
        daily, _ = CrontabSchedule.objects.get_or_create(**crontab(now))
    else:
        daily, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.DAYS)
    first = PeriodicTask.objects.create(
        name="filled-0", task="stock.noop", last_run_at=now, **{kind: daily}
    )
    columns = [field.column for field in PeriodicTask._meta.concrete_fields]
    numbered = {"id": f"{first.pk} + n", "name": "'filled-' || n"}
    values = ", ".join(numbered.get(column, f"one.{column}") for column in columns)
    table = PeriodicTask._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} AS one,"  # noqa: S608
            f" generate_series(1, {count - 1}) AS numbers(n) WHERE one.id = {first.pk}"
        )
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first.pk + count})"
        )
        cursor.execute("ANALYZE")


def due(count: int, at: float) -> None:
    """Let the first `count` jobs be due at the instant `at`, by a crontab at once."""
    from django_celery_beat.models import PeriodicTask, PeriodicTasks

    first = PeriodicTask.objects.order_by("pk").values_list("pk", flat=True)[0]
    last_run_at = datetime.fromtimestamp(at, UTC) - timedelta(days=1)
    some = PeriodicTask.objects.filter(pk__lt=first + count)
    some.update(last_run_at=last_run_at)
    PeriodicTasks.update_changed()


def edit() -> None:
    """Let the last job run every second from now on; print when that was committed."""
    import time

    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    each, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.filter(name__startswith="filled").order_by("-pk")[0]
    task.interval = each
    task.save()
    sys.stdout.write(f"{time.time()}\n")


def send(count: int) -> None:
    """Put calls into the queue, between two that write down the time."""
    note.delay("first")
    with app.producer_or_acquire() as producer:
        for _ in range(count):
            noop.apply_async(producer=producer)
    note.delay("last")


def main() -> None:
    """Read the command line: fill N KIND, due N AT, edit, send N, results."""
    import django

    django.setup()
    verb, *rest = sys.argv[1:]
    if verb == "results":
        from django_celery_results.models import TaskResult

        sys.stdout.write(f"{TaskResult.objects.filter(status='SUCCESS').count()}\n")
    elif verb == "due":
        due(int(rest[0]), float(rest[1]))
    elif verb == "fill":
        fill(int(rest[0]), rest[1])
    elif verb == "edit":
        edit()
    else:
        send(int(rest[0]))


if __name__ == "__main__":
    main()
