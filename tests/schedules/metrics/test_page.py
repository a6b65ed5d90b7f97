"""`/metrics` and `/readyz`: who may read, what is there, what it costs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from schedules import broker, health
from schedules.access import create_token
from schedules.metrics.page import exposition
from schedules.models import Instance, Job, Run, Tally
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus, RunState

pytestmark = pytest.mark.django_db

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker of the tests is none; what it says is the stack tests' matter."""
    monkeypatch.setattr(broker, "depths", lambda *_, **__: {"celery": 7})


def samples(now: datetime) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(exposition(now=now).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_page_says_how_things_stand(make_job: Make, make_run: Make, now: datetime) -> None:
    make_job("nightly", due=now - timedelta(seconds=90))
    make_job("off", due=now + timedelta(hours=1), is_enabled=False)
    make_run(due_at=now - timedelta(seconds=30))
    make_run(state=RunState.SENT, sent_at=now)
    make_run(state=RunState.RUNNING, started_at=now)
    make_run(due_at=now + timedelta(days=1), publish_at=now + timedelta(days=1))
    make_run(state=RunState.SUCCEEDED, started_at=now, finished_at=now, attempt=1, sends=3)
    Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat",
        host="h",
        pid=1,
        status=InstanceStatus.RUNNING,
        started_at=now,
        heartbeat_at=now,
    )

    found = samples(now + timedelta(seconds=20))

    expected = {
        ("downbeat_runs_total", (("job", "sample_jobs.add"), ("state", "succeeded"))): 1,
        ("downbeat_lateness_seconds_bucket", (("le", "0.1"),)): 1,
        ("downbeat_lateness_seconds_count", ()): 1,
        ("downbeat_claims_total", ()): 1,
        ("downbeat_republications_total", ()): 2,
        ("downbeat_runs_unfinished", (("state", "outbox"),)): 1,
        ("downbeat_runs_unfinished", (("state", "sent"),)): 1,
        ("downbeat_runs_unfinished", (("state", "running"),)): 1,
        ("downbeat_runs_unfinished", (("state", "parked"),)): 2,
        ("downbeat_outbox_oldest_seconds", ()): 50,
        ("downbeat_planning_lag_seconds", ()): 110,
        ("downbeat_beat_heartbeat_age_seconds", ()): 20,
        ("downbeat_instances", (("kind", "beat"),)): 1,
        ("downbeat_instances", (("kind", "worker"),)): 0,
        ("downbeat_jobs", (("condition", "enabled"),)): 1,
        ("downbeat_queue_messages", (("queue", "celery"),)): 7,
        ("downbeat_broker_up", ()): 1,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_a_name_cannot_break_the_page(make_run: Make, now: datetime) -> None:
    key = 'x"} 1\nforged{y="\\'
    make_run(state=RunState.SUCCEEDED, finished_at=now, job_key=key)

    found = samples(now + timedelta(minutes=1))

    assert found["downbeat_runs_total", (("job", key), ("state", "succeeded"))] == 1
    assert not [name for name, _ in found if name == "forged"]


def test_a_thousand_jobs_cost_as_many_statements_as_one(
    make_run: Make, now: datetime, django_assert_max_num_queries: Any
) -> None:
    for number in range(50):
        make_run(state=RunState.SUCCEEDED, finished_at=now, job_key=f"job{number}")

    with django_assert_max_num_queries(30):
        exposition(now=now + timedelta(minutes=1))


def test_too_many_jobs_share_one_line(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.metrics.page.MOST_SERIES", 2)
    for number in range(5):
        Tally.objects.create(metric="runs", job_key=f"job{number}", label="failed", value=1)

    found = samples(now)

    counted = {
        dict(labels)["job"]: v for (n, labels), v in found.items() if n.endswith("runs_total")
    }
    assert counted == {"job0": 1, "job1": 1, "(others)": 3}


def test_nobody_reads_it_without_a_token_or_a_right(settings: Any) -> None:
    settings.SCHEDULES = {"metrics_token": "a-long-secret"}
    user = User.objects.create_user("viewer")
    narrow = create_token(user, now=database_now()).raw
    browser = Client()

    def ask(token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return browser.get("/metrics", headers=headers).status_code

    assert [ask(), ask("guess"), ask("a-long-secre"), ask(narrow)] == [401] * 4
    browser.force_login(user)
    assert ask() == 401
    user.user_permissions.add(Permission.objects.get(codename="view_scheduler"))
    browser.force_login(User.objects.get(pk=user.pk))
    assert [ask(), ask("a-long-secret"), ask(narrow)] == [200] * 3


def test_an_empty_setting_lets_nobody_in(settings: Any) -> None:
    settings.SCHEDULES = {}

    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_ready_is_who_has_all_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["migrations"]) == (200, "ok")


def test_who_waits_for_a_migration_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    monkeypatch.setattr(health, "_applied_migrations", set)

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["migrations"]) == (503, "pending")
    assert Job.objects.count() + Run.objects.count() == 0


@pytest.mark.parametrize("name", ["healthz", "readyz", "metrics"])
def test_the_probes_stand_beside_the_rest_of_the_api_as_well(name: str) -> None:
    at_the_root, beside = (Client().get(f"{base}/{name}") for base in ("", "/api/v1/scheduler"))

    assert at_the_root.status_code == beside.status_code != 404
