"""Questions about jobs."""

from collections.abc import Callable

import pytest

from schedules.models import Job


@pytest.mark.django_db
def test_deleted_jobs_are_not_counted(make_job: Callable[..., Job]) -> None:
    assert Job.objects.count_existing() == 0

    make_job("kept")
    Job.objects.filter(pk=make_job("deleted").pk).update(is_active=False)

    assert Job.objects.count_existing() == Job.objects.existing().count() == 1
