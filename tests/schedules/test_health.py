"""Health, from facts: a heartbeat, a database that answers, a broker that answers in time."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from schedules import health
from schedules.health import BrokerProbe, Part, ask_broker, check_health
from schedules.models import Instance
from schedules.querysets.clock import database_now
from schedules.states import InstanceKind, InstanceStatus

PATIENCE = timedelta(milliseconds=200)


@pytest.fixture(autouse=True)
def fresh_probe() -> Iterator[None]:
    health.broker_probe.forget()
    yield
    health.broker_probe.forget()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker in this process, which answers."""
    monkeypatch.setitem(current_app.conf, "broker_write_url", "memory://")
    monkeypatch.setitem(current_app.conf, "broker_transport", None)


@pytest.fixture
def beat(db: None) -> Instance:
    now = database_now()
    return Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat@one",
        host="one",
        pid=17,
        status=InstanceStatus.RUNNING,
        started_at=now,
        heartbeat_at=now,
    )


@pytest.mark.usefixtures("broker")
def test_all_is_well(client: Client, beat: Instance) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "beat": "ok", "database": "ok", "broker": "ok"}


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize(
    "change",
    [
        {"status": InstanceStatus.STOPPED},
        {"status": InstanceStatus.STARTING},
        {"kind": InstanceKind.WORKER},
        {"heartbeat_at": "long ago"},
    ],
)
def test_without_a_ticking_beat_it_is_degraded(
    client: Client, beat: Instance, change: dict[str, Any]
) -> None:
    if "heartbeat_at" in change:
        change = {"heartbeat_at": database_now() - timedelta(seconds=31)}
    Instance.objects.update(**change)

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json()["status"] == "degraded"
    assert response.json()["beat"] == "down"


def test_without_a_broker_it_is_degraded(client: Client, beat: Instance) -> None:
    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {
        "status": "degraded",
        "beat": "ok",
        "database": "ok",
        "broker": "down",
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("broker")
def test_a_database_that_is_away_is_told_without_details(client: Client) -> None:
    table = Instance._meta.db_table
    with connection.schema_editor() as editor:
        editor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        response = client.get("/healthz")
    finally:
        with connection.schema_editor() as editor:
            editor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")

    assert response.status_code == 503
    assert response.json() == {
        "status": "down",
        "beat": "unknown",
        "database": "down",
        "broker": "ok",
    }
    assert check_health().database is Part.OK


@pytest.mark.usefixtures("broker", "db")
def test_it_is_asked_without_a_login_and_changes_nothing(client: Client) -> None:
    assert client.head("/healthz").status_code == 503
    assert client.post("/healthz").status_code == 405
    assert "no-store" in client.get("/healthz").headers["Cache-Control"]


def test_an_answer_is_kept_for_a_while() -> None:
    asked: list[int] = []
    probe = BrokerProbe(lambda: asked.append(1), patience=PATIENCE)

    assert [probe.answers() for _ in range(10)] == [True] * 10
    assert len(asked) == 1

    probe.forget()
    assert probe.answers()
    assert len(asked) == 2


def test_a_broker_that_hangs_costs_the_patience_and_one_thread() -> None:
    release = threading.Event()
    asked: list[int] = []

    def hang() -> None:
        asked.append(1)
        release.wait(20)

    probe = BrokerProbe(hang, patience=PATIENCE, kept=timedelta(0))
    answers = [probe.answers() for _ in range(3)]
    release.set()

    assert answers == [False, False, False]
    assert len(asked) == 1


def test_an_error_of_any_kind_is_no_answer() -> None:
    def fail() -> None:
        raise LookupError("no such host")

    assert not BrokerProbe(fail, patience=PATIENCE).answers()


def test_a_port_that_accepts_and_says_nothing_is_no_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setitem(current_app.conf, "broker_write_url", url)
        monkeypatch.setitem(current_app.conf, "broker_transport", None)

        assert not BrokerProbe(ask_broker).answers()


def test_whether_all_is_migrated_is_one_question(
    db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(health, "_migrated", set())

    with django_assert_num_queries(1):
        assert health.is_migrated()


@pytest.mark.django_db(transaction=True)
def test_an_empty_database_is_not_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    monkeypatch.setattr(MigrationRecorder.Migration._meta, "db_table", "no_such_table")

    assert not health.is_migrated()
