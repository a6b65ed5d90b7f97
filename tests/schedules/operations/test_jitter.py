"""Jitter never lets an occurrence start after the next one: refused wherever it is entered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from schedules.adapters import triggers
from schedules.dispatch import absorb_edits
from schedules.errors import InvalidInput
from schedules.models import Job
from schedules.operations.edit import update_job
from schedules.querysets.clock import database_now
from schedules.registry.declaration import declared, job
from schedules.timing import Cron

ADA: dict[str, Any] = {"by": "ada", "source": "cli"}


@pytest.mark.django_db
def test_an_edit_of_the_jitter(make_job: Callable[..., Job]) -> None:
    hourly = make_job(timetable=Cron("0 * * * *"), due=database_now() + timedelta(hours=1))

    with pytest.raises(InvalidInput, match="jitter is '1:00:00': shorter than"):
        update_job(hourly, changes={"jitter": timedelta(hours=1)}, now=database_now(), **ADA)

    less = timedelta(minutes=59)
    assert update_job(hourly, changes={"jitter": less}, now=database_now(), **ADA).jitter == less


@pytest.mark.django_db(transaction=True)
def test_an_edit_of_the_timetable_also_on_the_stock_page() -> None:
    triggers.create()
    interval = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(name="j", task="sample_jobs.add", args="[1]", interval=interval)
    absorb_edits(now=database_now())
    job_ = Job.objects.get()
    update_job(job_, changes={"jitter": timedelta(minutes=5)}, now=database_now(), **ADA)

    with pytest.raises(InvalidInput, match="jitter is '0:05:00'"):
        update_job(
            job_,
            changes={"interval_seconds": 300},
            now=database_now(),
            **ADA,
        )
    IntervalSchedule.objects.update(every=5, period="minutes")
    absorb_edits(now=database_now())

    job_.refresh_from_db()
    assert job_.invalid_reason.startswith("jitter is '0:05:00'")


def test_a_declaration() -> None:
    with pytest.raises(ImproperlyConfigured, match="jitter is 0:01:00"):
        job(Cron("* * * * *"), jitter=timedelta(minutes=1))(lambda: None)

    assert "test_jitter.<lambda>" not in declared
