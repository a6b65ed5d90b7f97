"""The claim: when it waits for the disk, and what becomes of one that the disk never saw."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from schedules.models import Job, Run
from schedules.states import Origin, RunState

pytestmark = pytest.mark.django_db

MakeRun = Callable[..., Run]
AGAIN = {"on_lost": "retry"}


def claim(run: Run) -> Run:
    taken = Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1)
    assert taken is not None
    return taken


def forget_claim(run: Run) -> None:
    """Leave the row as a server finds it that crashed before the claim was on the disk."""
    Run.objects.filter(pk=run.pk).update(
        state=RunState.SENT, attempt=run.attempt - 1, started_at=None, publish_at=run.due_at
    )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite does not wait for the disk")
@pytest.mark.parametrize(
    ("options", "waits"),
    [
        (AGAIN, "off"),
        ({"on_lost": "fail"}, "on"),
        ({}, "on"),
        ({**AGAIN, "exclusive": True}, "on"),
        ([], "on"),
    ],
    ids=str,
)
def test_only_the_claim_of_a_call_that_may_begin_again_does_not_wait_for_the_disk(
    make_run: MakeRun, options: Any, waits: str
) -> None:
    connection.cursor().execute("SET LOCAL synchronous_commit = on")  # tests have it off

    claim(make_run("sample_jobs.add", 1, options=options))

    assert waits_for_the_disk() == waits


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite does not wait for the disk")
def test_the_claim_of_a_job_waits_for_the_disk(
    make_job: Callable[..., Job], make_run: MakeRun
) -> None:
    job = make_job()
    connection.cursor().execute("SET LOCAL synchronous_commit = on")

    claim(make_run(job=job, job_key=job.key, origin=Origin.OPERATOR, options=AGAIN))

    assert waits_for_the_disk() == "on"


def waits_for_the_disk() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])


def test_a_forgotten_claim_is_made_once_more_unless_another_has_followed(make_run: MakeRun) -> None:
    first = claim(make_run("sample_jobs.add", 1, options=AGAIN))
    assert not Run.objects.claim_again(first)

    forget_claim(first)
    assert Run.objects.claim_again(first)
    assert Run.objects.owned(first).exists()

    forget_claim(first)
    second = claim(first)
    assert second.attempt == first.attempt
    assert not Run.objects.claim_again(first)
    assert Run.objects.owned(second).exists()
