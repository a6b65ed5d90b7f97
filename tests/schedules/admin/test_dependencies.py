"""A job's page changes what it runs after, through the operations."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from schedules.models import AuditEntry, Job
from schedules.operations.dependencies import dependencies_of
from schedules.querysets.clock import database_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(make_job: Callable[..., Job]) -> tuple[Job, Job]:
    later = database_now() + timedelta(days=1)
    return make_job("first", due=later), make_job("second", due=later)


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def save(
    admin: Client, job: Job, rows: list[dict[str, Any]], *, initial: int = 0, **fields: Any
) -> Any:
    """Send the job's form with the rows of its dependencies."""
    page = reverse("admin:schedules_job_change", args=[job.pk])
    form = admin.get(page).context["adminform"].form
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    values |= {"dependencies-TOTAL_FORMS": len(rows), "dependencies-INITIAL_FORMS": initial}
    values |= fields
    for number, row in enumerate(rows):
        values |= {f"dependencies-{number}-{name}": value for name, value in row.items()}
    return admin.post(page, values)


def test_a_dependency_is_added_changed_and_taken_away(admin: Client, jobs: tuple[Job, Job]) -> None:
    first, second = jobs
    row = {"id": "", "job": second.pk, "upstream": first.pk, "on": "failed"}

    assert save(admin, second, [row]).status_code == 302
    (added,) = dependencies_of(second)
    assert (added.upstream, added.on) == (first, "failed")

    assert (
        save(admin, second, [{**row, "id": added.pk, "on": "ended"}], initial=1).status_code == 302
    )
    (changed,) = dependencies_of(second)
    assert changed.on == "ended"

    gone = {**row, "id": changed.pk, "on": "ended", "DELETE": "on"}
    assert save(admin, second, [gone], initial=1).status_code == 302
    assert list(dependencies_of(second)) == []
    entries: Any = AuditEntry.objects.order_by("id")
    assert [(entry.action, entry.source) for entry in entries] == [("edit", "admin")] * 3
    assert [entry.after["after"] for entry in entries] == [
        [{"after": "first", "when": "failed"}],
        [{"after": "first", "when": "ended"}],
        [],
    ]


def test_policy_and_dependencies_saved_together_are_one_change(
    admin: Client, jobs: tuple[Job, Job]
) -> None:
    first, second = jobs
    row = {"id": "", "job": second.pk, "upstream": first.pk, "on": "ended"}

    assert save(admin, second, [row], priority=7).status_code == 302

    entry = AuditEntry.objects.get()
    assert entry.subject == "job:second"
    assert entry.after == {"priority": 7, "after": [{"after": "first", "when": "ended"}]}


def test_a_circle_is_refused_at_its_field(admin: Client, jobs: tuple[Job, Job]) -> None:
    first, second = jobs
    save(admin, second, [{"id": "", "job": second.pk, "upstream": first.pk, "on": "ended"}])

    answer = save(admin, first, [{"id": "", "job": first.pk, "upstream": second.pk, "on": "ended"}])

    assert answer.status_code == 200
    assert b"a job that does not wait for &#x27;first&#x27; itself" in answer.content
    assert list(dependencies_of(first)) == []
