"""django-celery-results' pages: no count, no distinct values, no search inside the log."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_results.models import TaskResult

from schedules.models import AuditEntry, Run
from schedules.querysets.clock import database_now

pytestmark = pytest.mark.django_db

RESULTS = "/admin/django_celery_results/taskresult/"
LONG_LISTS = [
    (RESULTS, TaskResult),
    ("/admin/schedules/run/", Run),
    ("/admin/schedules/auditentry/", AuditEntry),
]


@pytest.fixture
def results(db: None) -> None:
    TaskResult.objects.bulk_create(
        TaskResult(task_id=f"task-{n}", task_name="sample_jobs.add", status="SUCCESS", result="1")
        for n in range(3)
    )


@pytest.mark.parametrize(("page", "model"), LONG_LISTS)
@pytest.mark.parametrize("query", ["", "?q=sample_jobs.add", "?q=task-1"])
def test_a_long_list_is_neither_counted_nor_scanned(
    root: Client, results: None, page: str, model: Any, query: str
) -> None:
    with CaptureQueriesContext(connection) as statements:
        answer = root.get(page + query)

    assert answer.status_code == 200
    table = model._meta.db_table
    for statement in (each["sql"] for each in statements if table in each["sql"]):
        assert "DISTINCT" not in statement
        assert "LIKE" not in statement.upper()
        assert "COUNT(" not in statement or "LIMIT" in statement, statement


def test_a_list_of_results_does_not_read_what_it_does_not_show(root: Client, results: None) -> None:
    with CaptureQueriesContext(connection) as statements:
        page = root.get(RESULTS).content.decode()

    assert "task-2" in page
    assert not any('"traceback"' in each["sql"] for each in statements)


def test_a_result_is_found_by_its_task(root: Client, results: None) -> None:
    found = root.get(f"{RESULTS}?q=sample_jobs.add").context["cl"].result_count
    one = root.get(f"{RESULTS}?q=task-1").context["cl"].result_count
    none = root.get(f"{RESULTS}?q=task").context["cl"].result_count

    assert (found, one, none) == (3, 1, 0)


def test_results_are_for_those_who_may_see_details(staff: Any, results: None) -> None:
    number = TaskResult.objects.earliest("pk").pk

    assert staff("view_scheduler").get(RESULTS).status_code == 403
    browser = staff("view_scheduler", "view_run_details")
    assert browser.get(RESULTS).status_code == 200
    assert browser.get(f"{RESULTS}{number}/change/").status_code == 200
    assert browser.post(f"{RESULTS}{number}/change/", {}).status_code == 403
    assert browser.post(f"{RESULTS}{number}/delete/", {"post": "yes"}).status_code == 403


def test_an_entry_is_found_by_subject_and_by_actor(root: Client) -> None:
    AuditEntry.objects.create(
        at=database_now(), actor="ana", action="edit", subject="job:x", source="cli"
    )
    page = "/admin/schedules/auditentry/"

    for term, number in (("job:x", 1), ("ana", 1), ("job", 0)):
        assert root.get(f"{page}?q={term}").context["cl"].result_count == number
