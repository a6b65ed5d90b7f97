"""Questions about jobs."""

from collections.abc import Callable

import pytest

from schedules.models import Job
from schedules.querysets import jobs


@pytest.mark.django_db
def test_deleted_jobs_are_not_counted(make_job: Callable[..., Job]) -> None:
    assert Job.objects.count_existing() == 0

    make_job("kept")
    Job.objects.filter(pk=make_job("deleted").pk).update(is_active=False)

    assert Job.objects.count_existing() == Job.objects.existing().count() == 1


@pytest.mark.django_db
def test_very_many_jobs_are_counted_once_in_ten_seconds(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 100.0
    monkeypatch.setattr(jobs, "MANY", 1)
    monkeypatch.setattr(jobs, "monotonic", lambda: clock)
    monkeypatch.setattr(jobs, "_counted", {})
    make_job("first")
    assert Job.objects.count_existing() == 1
    make_job("second")
    assert Job.objects.count_existing() == 2  # of few it is exact
    make_job("third")
    assert Job.objects.count_existing() == 2

    clock += 10

    assert Job.objects.count_existing() == 3
