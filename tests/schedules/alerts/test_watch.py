"""Conditions that no run can report: each is told once when it begins, and once when it is over."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.alerts.rulebook import forget
from schedules.alerts.watch import LEFT_ALONE, Watcher, look
from schedules.models import Alert, AlertEpisode, AlertRule, Delivery, Instance, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import DeliveryState, InstanceKind, InstanceStatus, RunState

pytestmark = pytest.mark.django_db


def texts() -> list[str]:
    return list(Alert.objects.order_by("id").values_list("text", flat=True))


def beat(heartbeat_at: datetime) -> Instance:
    return Instance.objects.create(
        kind=InstanceKind.BEAT,
        name="beat",
        host="here",
        pid=1,
        status=InstanceStatus.RUNNING,
        started_at=heartbeat_at,
        heartbeat_at=heartbeat_at,
    )


def test_a_silent_beat_is_told_once_and_its_return_too(
    make_rule: Callable[..., AlertRule], now: datetime
) -> None:
    make_rule("beat_silent")
    one = beat(now)

    assert look(now=now + timedelta(seconds=59)) == 0
    assert look(now=now + timedelta(seconds=61)) == 1
    assert look(now=now + timedelta(seconds=71)) == 0
    Instance.objects.filter(pk=one.pk).update(heartbeat_at=now + timedelta(seconds=80))
    assert look(now=now + timedelta(seconds=81)) == 0

    begun, ended = texts()
    assert begun.startswith("No Beat has been heard of since 2026-03-02T12:00:00Z, 1 min 1 s ago")
    assert ended == "A Beat is heard of again. (it lasted 20 s)"
    assert not AlertEpisode.objects.exists()


def test_one_living_beat_is_enough(make_rule: Callable[..., AlertRule], now: datetime) -> None:
    make_rule("beat_silent")
    beat(now - timedelta(hours=1))
    beat(now)

    assert look(now=now) == 0


def test_right_after_an_outage_of_the_database_no_beat_is_judged(
    make_rule: Callable[..., AlertRule], now: datetime
) -> None:
    make_rule("beat_silent")
    beat(now - timedelta(hours=1))

    assert look(now=now, is_settled=False) == 0
    assert look(now=now) == 1


def test_runs_that_the_broker_never_got_are_told(
    make_rule: Callable[..., AlertRule], make_run: Callable[..., Run], now: datetime
) -> None:
    make_rule("outbox_stuck")
    for _ in range(3):
        make_run()
    make_run(reason="waits for a slot")
    make_run(state=RunState.SENT, sent_at=now)
    make_run(scheduled_at=now + timedelta(days=1), due_at=now + timedelta(days=1))

    assert look(now=now + timedelta(minutes=2)) == 1
    Run.objects.update(state=RunState.SENT, sent_at=now)
    look(now=now + timedelta(minutes=3))

    assert texts()[0].startswith(
        "3 runs wait to be sent to the broker, the oldest since 2026-03-02"
    )
    assert texts()[1].startswith("The outbox is sent again.")


def test_a_late_job_is_told_once_however_many_runs_wait(
    make_rule: Callable[..., AlertRule],
    make_job: Callable[..., Job],
    make_run: Callable[..., Run],
    now: datetime,
) -> None:
    make_rule("late")
    job = make_job("hourly", due=now + timedelta(hours=1))
    for _ in range(3):
        make_run(job=job, job_key=job.key, state=RunState.SENT)
    make_job("unplanned", due=now)

    assert look(now=now + timedelta(minutes=3)) == 2
    assert look(now=now + timedelta(minutes=4)) == 0

    assert texts() == [
        "unplanned was due at 2026-03-02T12:00:00Z and is not planned.",
        "hourly is late: 3 runs wait for a worker, the oldest since 2026-03-02T12:00:00Z.",
    ]


def test_a_run_that_takes_too_long_is_told_while_it_runs(
    make_rule: Callable[..., AlertRule], make_run: Callable[..., Run], now: datetime
) -> None:
    make_rule("slow", after=timedelta(minutes=5))
    run = make_run(state=RunState.RUNNING, started_at=now)

    assert look(now=now + timedelta(minutes=5)) == 0
    assert look(now=now + timedelta(minutes=6)) == 1

    alert = Alert.objects.get()
    assert alert.text == "sample_jobs.add runs for 6 min now, more than 5 min"
    assert alert.execution_id == run.task_id


def test_what_begins_under_a_mute_is_told_when_the_mute_is_over(
    make_rule: Callable[..., AlertRule], now: datetime
) -> None:
    rule = make_rule("beat_silent")
    beat(now)
    AlertRule.objects.filter(pk=rule.pk).update(
        muted_at=now, muted_until=now + timedelta(minutes=5)
    )
    forget()

    assert look(now=now + timedelta(minutes=4)) == 0
    assert look(now=now + timedelta(minutes=6)) == 1


def test_a_message_that_no_worker_sends_is_sent_by_the_watch(
    make_rule: Callable[..., AlertRule], now: datetime
) -> None:
    """Nothing else lives: no Beat, no worker, no broker."""
    make_rule("beat_silent")
    beat(database_now() - timedelta(hours=1))
    look(now=database_now())
    watcher = Watcher(database=nullcontext)

    watcher.look_once()
    assert mail.outbox == [], "a worker has some seconds to do it"
    Delivery.objects.update(next_at=database_now() - LEFT_ALONE - timedelta(seconds=1))
    watcher.look_once()

    assert "No Beat has been heard of" in mail.outbox[0].subject
    assert Delivery.objects.get().state == DeliveryState.SENT


def test_without_rules_a_look_asks_one_question(
    django_assert_num_queries: Any, now: datetime
) -> None:
    with django_assert_num_queries(1):
        look(now=now)


def test_a_look_with_nothing_to_tell_or_send_has_no_rows_of_them_planned(
    transactional_db: None,
) -> None:
    watcher = Watcher(database=nullcontext)
    with CaptureQueriesContext(connection) as statements:
        for _ in range(2):
            forget()
            watcher.look_once()

    asked = [one["sql"] for one in statements if "FROM" in one["sql"]]
    assert {sql.partition(" FROM ")[2].split()[0].strip('"') for sql in asked} == {
        "schedules_alertrule",
        "schedules_delivery",
    }
    assert not [sql for sql in asked if "ORDER BY" in sql or "mute_reason" in sql]
