"""What a person can do on the dashboard: each asks first, does one verb, and leaves one trace."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from schedules.models import (
    Alert,
    AlertChannel,
    AlertRule,
    AuditEntry,
    Backfill,
    Delivery,
    GlobalPause,
    Job,
    Run,
    TaskFunction,
)
from schedules.operations.create import create_job
from schedules.states import DeliveryState, Origin, RunState

Make = Callable[..., Any]
pytestmark = pytest.mark.django_db


@pytest.fixture
def function() -> TaskFunction:
    return TaskFunction.objects.create(
        key="add",
        task="sample_jobs.add",
        name_en="Add",
        arguments={
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 2}},
            "required": ["x"],
        },
    )


@pytest.fixture
def job(function: TaskFunction, now: datetime) -> Job:
    values = {"cron_expression": "0 5 * * *", "kwargs": {"x": 1}, "key": "nightly"}
    job = create_job(function, values=values, by="test", source="code", now=now)
    AuditEntry.objects.all().delete()
    return job


@pytest.fixture
def missed(job: Job, make_run: Make, now: datetime) -> Run:
    """A row that stands for three missed occurrences."""
    run: Run = make_run(
        job=job,
        job_key=job.key,
        origin=Origin.TIMETABLE,
        kwargs={"x": 1},
        state=RunState.MISSED,
        scheduled_at=now - timedelta(hours=3),
        until=now - timedelta(hours=1),
        count=3,
        finished_at=now,
        reason="found too late",
    )
    return run


def act(browser: Client, subject: str, verb: str, **sent: str) -> Any:
    return browser.post(f"/scheduler/{subject}/{verb}", {"confirmed": "yes", **sent})


def traces() -> list[tuple[str, str, str, str]]:
    return list(AuditEntry.objects.values_list("action", "actor", "source", "reason"))


def test_asking_changes_nothing(operator: Client, job: Job, missed: Run) -> None:
    for verb in ("run", "pause", "resume", "enable", "disable", "delete"):
        assert operator.get(f"/scheduler/jobs/{job.pk}/{verb}").status_code == 200
    for verb in ("retry", "run-after-all", "dismiss", "cancel", "move"):
        assert operator.get(f"/scheduler/runs/{missed.task_id}/{verb}").status_code == 200
    assert operator.get("/scheduler/pause").status_code == 200

    assert traces() == []
    assert Run.objects.count() == 1


@pytest.mark.parametrize("address", ["jobs/{job}/run", "jobs/{job}/pause", "pause", "jobs/bulk"])
def test_without_the_forms_token_nothing_is_done(operator: Client, job: Job, address: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies

    assert strict.post(f"/scheduler/{address.format(job=job.pk)}").status_code == 403
    assert traces() == []


def test_run_now_sent_twice_is_one_run(operator: Client, job: Job) -> None:
    for _ in range(2):
        act(operator, f"jobs/{job.pk}", "run", key="abc", reason="a customer asks")

    run = Run.objects.get()
    assert (run.origin, run.requested_by, run.job_id) == ("operator", "siti", job.pk)
    assert traces() == [("trigger", "siti", "dashboard", "a customer asks")]


def test_many_jobs_run_now_sent_twice_is_one_run_of_each(
    operator: Client, job: Job, make_job: Make
) -> None:
    chosen = {"verb": "run", "job": [job.pk, make_job("often").pk]}
    question = operator.post("/scheduler/jobs/bulk", chosen)
    sent = {**chosen, **dict(question.context["question"].hidden), "job": chosen["job"]}

    for _ in range(2):
        told = operator.post("/scheduler/jobs/bulk", {**sent, "confirmed": "yes"}, follow=True)

    assert Run.objects.count() == 2
    assert "2 jobs done." in told.content.decode()


@pytest.mark.parametrize("verb", ["retry", "run-after-all"])
def test_run_again_sent_twice_is_one_run(operator: Client, missed: Run, verb: str) -> None:
    question = operator.get(f"/scheduler/runs/{missed.task_id}/{verb}").context["question"]

    for _ in range(2):
        response = act(operator, f"runs/{missed.task_id}", verb, **dict(question.hidden))

    assert response.status_code == 302
    assert Run.objects.filter(parent_id=missed.task_id).count() == 1


def test_a_backfill_says_what_would_run_before_it_does(
    operator: Client, job: Job, now: datetime
) -> None:
    day = f"{now - timedelta(days=2):%Y-%m-%d}"
    sent = {"from": f"{day}T00:00", "to": f"{day}T23:00", "which": "missed", "at_once": "1"}
    shown = operator.post(f"/scheduler/jobs/{job.pk}/backfill", sent).content.decode()
    assert "Occurrences that would run: 1" in shown
    assert not Backfill.objects.exists()

    operator.post(
        f"/scheduler/jobs/{job.pk}/backfill", {**sent, "counted": "1", "reason": "power cut"}
    )

    asked = Backfill.objects.get()
    assert asked.occurrences == [f"{day}T05:00:00+00:00"]
    assert "power cut" in operator.get(f"/scheduler/jobs/{job.pk}/?tab=backfills").content.decode()
    operator.post(f"/scheduler/backfills/{asked.pk}/cancel", {"reason": "power is back"})
    asked.refresh_from_db()
    assert asked.state == "cancelled"
    assert traces()[::-1] == [
        ("backfill", "siti", "dashboard", "power cut"),
        ("cancel_backfill", "siti", "dashboard", "power is back"),
    ]


def test_a_pause_has_an_end_and_a_reason(operator: Client, job: Job, now: datetime) -> None:
    act(operator, f"jobs/{job.pk}", "pause", length="4h", reason="moving house")

    job.refresh_from_db()
    assert job.pause_reason == "moving house"
    assert job.paused_until is not None
    assert timedelta(hours=3, minutes=59) < job.paused_until - now < timedelta(hours=4, minutes=1)
    assert traces() == [("pause", "siti", "dashboard", "moving house")]


def test_the_end_of_a_pause_is_on_the_clock_that_the_page_shows(operator: Client, job: Job) -> None:
    operator.post("/scheduler/preferences", {"clock": "mine", "zone": "Asia/Jakarta"})

    act(operator, f"jobs/{job.pk}", "pause", length="at", until="2199-01-01T07:00")

    job.refresh_from_db()
    assert job.paused_until is not None
    assert job.paused_until.isoformat() == "2199-01-01T00:00:00+00:00"


def test_what_is_refused_is_said_in_a_sentence_and_changes_nothing(
    operator: Client, job: Job
) -> None:
    past = act(operator, f"jobs/{job.pk}", "pause", length="at", until="2001-01-01T00:00")
    empty = act(operator, f"jobs/{job.pk}", "pause", length="at", until="")
    Job.objects.filter(pk=job.pk).update(is_primary=True)
    critical = act(operator, f"jobs/{job.pk}", "delete")

    assert (past.status_code, empty.status_code, critical.status_code) == (422, 422, 409)
    assert "an instant in the future" in past.content.decode()
    assert "is critical" in critical.content.decode()
    assert traces() == []


def test_switching_off_and_on_and_deleting(operator: Client, job: Job) -> None:
    for verb in ("disable", "enable", "pause", "resume", "delete"):
        response = act(operator, f"jobs/{job.pk}", verb, length="")
        assert response.status_code == 302, verb

    job.refresh_from_db()
    assert not job.is_active
    assert [trace[0] for trace in reversed(traces())] == [
        *("disable", "enable", "pause", "resume", "delete")
    ]


def test_a_missed_occurrence_is_run_for_its_own_time(operator: Client, missed: Run) -> None:
    act(operator, f"runs/{missed.task_id}", "run-after-all", reason="the report is needed")

    again = Run.objects.exclude(pk=missed.pk).get()
    missed.refresh_from_db()
    assert again.scheduled_at == missed.until, "the last of the three"
    assert again.parent_id == missed.task_id
    assert missed.dismissed_at is not None
    assert missed.state == RunState.MISSED
    assert traces() == [("retry", "siti", "dashboard", "the report is needed")]


def test_a_missed_occurrence_is_dismissed_with_a_reason_and_once(
    operator: Client, missed: Run
) -> None:
    silent = act(operator, f"runs/{missed.task_id}", "dismiss", reason=" ")
    for _ in range(2):
        act(operator, f"runs/{missed.task_id}", "dismiss", reason="nobody was there")

    assert silent.status_code == 422
    assert traces() == [("dismiss", "siti", "dashboard", "nobody was there")]
    assert "nobody was there" not in operator.get("/scheduler/missed/").content.decode()
    shown = operator.get("/scheduler/missed/?dismissed=yes").content.decode()
    assert str(missed.task_id) in shown


def test_a_parked_call_is_moved_and_cancelled(
    operator: Client, make_run: Make, now: datetime
) -> None:
    later = now + timedelta(days=30)
    run = make_run(natural_key="meeting:1", scheduled_at=later, due_at=later)

    early = act(operator, f"runs/{run.task_id}", "move", at="2001-01-01T00:00")
    act(operator, f"runs/{run.task_id}", "move", at="2199-05-06T07:08", reason="it was put off")
    run.refresh_from_db()
    moved = run.due_at
    act(operator, f"runs/{run.task_id}", "cancel", reason="called off")
    late = act(operator, f"runs/{run.task_id}", "move", at="2199-05-06T07:08")
    again = act(operator, f"runs/{run.task_id}", "cancel")

    run.refresh_from_db()
    assert (early.status_code, late.status_code, again.status_code) == (422, 409, 409)
    assert moved.isoformat() == "2199-05-06T07:08:00+00:00"
    assert run.publish_at is None
    assert run.state == RunState.CANCELLED
    assert [trace[0] for trace in reversed(traces())] == ["move", "cancel"]


def test_a_run_is_run_again(operator: Client, job: Job, make_run: Make, now: datetime) -> None:
    run = make_run(
        job=job, job_key=job.key, kwargs={"x": 1}, state=RunState.FAILED, finished_at=now
    )

    act(operator, f"runs/{run.task_id}", "retry")

    again = Run.objects.get(parent_id=run.task_id)
    assert again.scheduled_at == run.scheduled_at
    assert str(again.task_id) in operator.get(f"/scheduler/runs/{run.task_id}/").content.decode()


def test_many_jobs_are_asked_about_together_and_done_one_by_one(
    operator: Client, job: Job, function: TaskFunction, now: datetime
) -> None:
    other = create_job(
        function,
        values={"interval_minutes": 5, "kwargs": {"x": 1}, "key": "often"},
        by="test",
        source="code",
        now=now,
    )
    AuditEntry.objects.all().delete()
    chosen = {"verb": "pause", "job": [job.pk, other.pk]}

    question = operator.post("/scheduler/jobs/bulk", chosen)
    asked = traces()
    operator.post(
        "/scheduler/jobs/bulk", {**chosen, "confirmed": "yes", "length": "1h", "reason": "night"}
    )

    assert "Pause: 2 jobs?" in question.content.decode()
    assert asked == []
    assert Job.objects.filter(paused_at__isnull=False, pause_reason="night").count() == 2
    assert [trace[0] for trace in traces()] == ["pause", "pause"]


def test_of_many_one_that_is_refused_stops_no_other(
    operator: Client, job: Job, make_job: Make
) -> None:
    broken = make_job("broken", invalid_reason="no such task")

    response = operator.post(
        "/scheduler/jobs/bulk",
        {"verb": "run", "job": [job.pk, broken.pk], "confirmed": "yes"},
        follow=True,
    )

    assert Run.objects.filter(job=job).count() == 1
    assert "no such task" in response.content.decode()
    assert "1 job done." in response.content.decode()


def test_everything_is_paused_and_resumed(operator: Client) -> None:
    operator.post("/scheduler/pause", {"confirmed": "yes", "reason": "inventory"})
    shown = operator.get("/scheduler/").content.decode()
    operator.post("/scheduler/resume", {"confirmed": "yes"})

    assert "Everything is paused by siti" in shown
    assert "inventory" in shown
    assert GlobalPause.objects.filter(ended_at__isnull=True).count() == 0
    assert [trace[0] for trace in reversed(traces())] == ["pause_all", "resume_all"]


def test_after_an_action_one_is_back_where_it_was_asked(operator: Client, job: Job) -> None:
    asked_on = "http://testserver/scheduler/jobs/?state=ok"
    question = operator.get(f"/scheduler/jobs/{job.pk}/pause", headers={"referer": asked_on})

    assert 'name="next" value="/scheduler/jobs/?state=ok"' in question.content.decode()
    foreign = act(operator, f"jobs/{job.pk}", "pause", length="", next="https://x.example/")
    assert foreign.headers["Location"] == f"/scheduler/jobs/{job.pk}/"


def test_a_rule_is_muted_and_a_channel_is_tried(operator: Client, now: datetime) -> None:
    channel = AlertChannel.objects.create(
        name="ops", kind="email", target="ops@example.com", created_at=now
    )
    rule = AlertRule.objects.create(name="failures", kind="failed", created_at=now)
    rule.channels.add(channel)

    operator.post(f"/scheduler/alerts/rules/{rule.pk}/mute", {"length": "1h", "reason": "moving"})
    muted = operator.get("/scheduler/alerts/").content.decode()
    operator.post(f"/scheduler/alerts/rules/{rule.pk}/unmute")
    operator.post(f"/scheduler/alerts/channels/{channel.pk}/test")
    told = operator.get("/scheduler/alerts/").content.decode()

    assert "muted by <bdi>siti</bdi>" in muted
    assert "moving" in muted
    assert "muted by" not in told
    assert "This is a test of ops" in told
    assert [trace[0] for trace in reversed(traces())] == ["mute", "unmute", "test"]


def test_deliveries_say_how_many_they_tell_of_and_which_try_it_is(
    viewer: Client, now: datetime
) -> None:
    deliveries = [
        Delivery(
            channel_name="ops",
            kind="failed",
            state=DeliveryState.PENDING,
            count=754,
            opened_at=now - timedelta(minutes=place),
            last_at=now,
            attempts=3,
            next_at=now + timedelta(seconds=90),
            error="the mail server: ConnectionRefusedError",
        )
        for place in range(31)
    ]
    newest, *_, oldest = Delivery.objects.bulk_create(deliveries)
    for delivery in (newest, oldest):
        Alert.objects.bulk_create(
            Alert(delivery=delivery, at=now, text=f"{delivery.pk} {place}") for place in range(9)
        )

    page = viewer.get("/scheduler/alerts/").content.decode()
    older = viewer.get("/scheduler/alerts/?page=2").content.decode()

    assert page.count(str(newest.pk)) == 3
    assert "and 751 more" in page
    assert "try 3 of 10" in page
    assert str(oldest.pk) not in page
    assert 'href="?page=2"' in page
    assert str(oldest.pk) in older
