"""An outcome that its transaction took back is none: the run ends with another."""

from typing import Any

import pytest
from django_celery_results.models import TaskResult

from schedules.models import Calendar, Run
from schedules.states import Origin
from schedules.testing import execute_run
from tests.schedules import sample_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("job", "args"), [(sample_jobs.commit_in_vain, ["x"]), (sample_jobs.refer_to_nothing, [])]
)
def test_a_run_whose_success_is_rolled_back_fails_and_its_errback_follows(
    make_run: Any, job: Any, args: list[str]
) -> None:
    errback = sample_jobs.call_add.si()

    run = execute_run(make_run(job.name, *args, options={"link_error": [errback]}))

    assert (run.state, run.attempt) == ("failed", 1)
    assert TaskResult.objects.get(task_id=run.task_id).status == "FAILURE"
    assert Run.objects.filter(task=errback.task, origin=Origin.CALL).count() == 1
    assert Calendar.objects.count() == 0


def test_a_body_that_goes_on_after_its_commit_was_rolled_back_ends_with_what_it_returns(
    make_run: Any,
) -> None:
    link = sample_jobs.call_add.si()
    run = make_run("sample_jobs.commit_in_vain", "x", options={"link": [link]})
    Run.objects.filter(pk=run.pk).update(kwargs={"go_on": True})

    run = execute_run(run)

    assert (run.state, run.summary) == ("succeeded", "'something else'")
    assert TaskResult.objects.get(task_id=run.task_id).status == "SUCCESS"
    assert Run.objects.filter(task=link.task, origin=Origin.CALL).count() == 1
