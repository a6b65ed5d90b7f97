"""The plain system's tables and its jobs' rows: run once, as `python -m chaos.plain.prepare`."""

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - the models have to be ready
from django_celery_beat.models import (  # noqa: E402
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
)

from chaos.workload import SAMPLES, Sample  # noqa: E402


def install(sample: Sample) -> None:
    """Write the rows of one job."""
    name, task = sample.key, f"plain.{sample.key}"
    if sample.every_seconds is not None:
        interval = IntervalSchedule.objects.create(
            every=sample.every_seconds, period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.create(name=name, task=task, interval=interval)
        return
    minute, hour, day, month, weekday = sample.cron.split()
    crontab = CrontabSchedule.objects.create(
        minute=minute,
        hour=hour,
        day_of_month=day,
        month_of_year=month,
        day_of_week=weekday,
        timezone=sample.zone,
    )
    PeriodicTask.objects.create(name=name, task=task, crontab=crontab)


def main() -> None:
    """Migrate, and install every sample."""
    call_command("migrate", interactive=False, verbosity=0)
    for sample in SAMPLES.values():
        install(sample)


if __name__ == "__main__":
    main()
