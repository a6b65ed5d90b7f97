"""Pages and API over jobs and runs that SQL has broken: shown, in words, never an error."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from schedules.access import create_token
from schedules.models import Job, Run
from schedules.querysets.clock import database_now
from tests.schedules.dashboard.site import addresses
from tests.sql import run_sql

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps such values out"),
]


def break_rows(job: Job, run: Run, column: str, value: str) -> None:
    run_sql("UPDATE schedules_job SET misfire_grace = 'x' WHERE id = %s", job.pk)
    run_sql(f"UPDATE schedules_run SET {column} = %s WHERE id = %s", value, run.pk)  # noqa: S608


@pytest.mark.parametrize(
    ("column", "value"), [("due_at", "2026-99-01 00:00:00"), ("finished_at", "never")]
)
def test_every_page_is_shown_over_broken_rows(
    operator: Client, job: Job, runs: list[Run], column: str, value: str
) -> None:
    ended = next(run for run in runs if run.state == "failed")
    User.objects.update(is_superuser=True)
    of_admin = [f"/admin/schedules/{kind}/" for kind in ("job", "run", "attempt")]
    of_admin += [f"/admin/schedules/run/{ended.pk}/change/"]

    for address in [*addresses(job, ended), *of_admin]:
        break_rows(job, ended, column, value)
        answer = operator.get(address, follow=True)
        assert answer.status_code == 200, address


def test_the_api_asks_to_try_again_and_then_answers_with_the_reason(
    reader: Callable[..., Client], job: Job, runs: list[Run]
) -> None:
    ended = next(run for run in runs if run.state == "failed")
    reader()
    user = User.objects.get()
    user.is_superuser = True
    user.save()
    browser = Client(raise_request_exception=False)
    token = create_token(user, now=database_now(), scope="").raw
    headers = {"Authorization": f"Bearer {token}"}
    base = "/api/v1/scheduler"
    for address in (f"{base}/jobs", f"{base}/history", f"{base}/jobs/{job.pk}"):
        break_rows(job, ended, "due_at", "2026-99-01 00:00:00")
        answers = [browser.get(address, headers=headers).status_code for _ in range(2)]
        assert answers in ([503, 200], [200, 200]), address

    job.refresh_from_db()
    assert job.invalid_reason == (
        "Its row was broken: misfire_grace is 'x': a whole number of microseconds."
    )
    ended.refresh_from_db()
    assert ended.state == "failed"
    assert "due_at is '2026-99-01 00:00:00'" in ended.suspect_reason
