"""What a job may be set to, whoever sets it: refused with a sentence, not by a constraint."""

from collections.abc import Callable

import pytest

from schedules.errors import InvalidInput
from schedules.models import Job
from schedules.operations.edit import update_job
from schedules.querysets.clock import database_now


@pytest.mark.django_db
@pytest.mark.parametrize("at_once", [0, 11])
def test_a_job_runs_one_to_ten_times_at_once(make_job: Callable[..., Job], at_once: int) -> None:
    job = make_job()

    with pytest.raises(InvalidInput, match=f"max_instances is '{at_once}': a number from 1 to 10"):
        update_job(
            job, changes={"max_instances": at_once}, by="ada", source="cli", now=database_now()
        )
