"""What everybody can see: a next run or an error, instants in order, an end for whoever waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from celery.exceptions import TaskRevokedError, WorkerLostError
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from schedules.adapters import triggers
from schedules.conf import options
from schedules.dispatch import (
    Call,
    absorb_edits,
    cancel_parked,
    park,
    plan_due,
    read_invalid_again,
    reap,
)
from schedules.finish import Outcome, finish_waiting
from schedules.models import Dependency, Instance, Job, Run
from schedules.operations.instances import life_of
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.registry import find
from schedules.registry.declaration import declared
from schedules.states import InstanceKind, InstanceStatus, OnLost, Origin, RunState
from schedules.testing import execute_run
from schedules.timing import Every, to_spec
from tests.promises import promise_jobs  # noqa: F401 - declares the tasks
from tests.promises.world import in_the_past

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@pytest.fixture
def minutely() -> IntervalSchedule:
    triggers.create()
    return IntervalSchedule.objects.create(every=1, period="minutes")


def make_task(name: str, timetable: IntervalSchedule | CrontabSchedule, **fields: Any) -> None:
    kind = "interval" if isinstance(timetable, IntervalSchedule) else "crontab"
    values = {"task": "promise_jobs.effect", "args": '["x"]', kind: timetable, **fields}
    PeriodicTask.objects.create(name=name, **values)


def job_of(name: str) -> Job:
    return Job.objects.get(key=name)


def new_run(**fields: Any) -> Run:
    now = database_now()
    values: dict[str, Any] = {
        "origin": Origin.CALL,
        "task": "promise_jobs.effect",
        "args": ["x"],
        "scheduled_at": now,
        "due_at": now,
        "publish_at": now,
    }
    return Run.objects.create(**{**values, **fields})


# P18


def test_every_enabled_job_has_a_next_run_or_says_why_not(minutely: IntervalSchedule) -> None:
    never = CrontabSchedule.objects.create(
        minute="0", hour="0", day_of_month="31", month_of_year="2"
    )
    make_task("runs", minutely)
    make_task("unknown task", minutely, task="os.system")
    make_task("broken arguments", minutely, args="{")
    make_task("ended", minutely, expires=database_now() + timedelta(days=1))
    make_task("never", never)
    make_task("disabled", minutely, enabled=False)
    make_task("after", never)
    absorb_edits(now=database_now())
    Dependency.objects.create(job=job_of("after"), upstream=job_of("runs"), since=database_now())
    Job.objects.filter(key="after").update(flagged_reason="")

    later = database_now() + timedelta(days=2)
    while Job.objects.due(later).exists():
        plan_due(now=later)

    assert not Job.objects.silent().exists()
    says = {job.key: job.invalid_reason or job.flagged_reason for job in Job.objects.all()}
    assert {key for key, reason in says.items() if not reason} == {"runs", "disabled", "after"}
    Dependency.objects.update(until=database_now())
    assert [job.key for job in Job.objects.silent()] == ["after"]


# P19


def test_what_a_beat_of_another_version_could_not_read_comes_back_by_itself(
    minutely: IntervalSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_task("new", minutely)
    with monkeypatch.context() as older:
        older.delitem(declared, "promise_jobs.effect")
        absorb_edits(now=database_now())
    assert "promise_jobs.effect" in job_of("new").invalid_reason

    assert read_invalid_again(now=database_now()) == 1

    job = job_of("new")
    assert (job.invalid_reason, job.is_enabled, job.next_run_at is None) == ("", True, False)
    assert read_invalid_again(now=database_now()) == 0


# P21


def test_the_instants_of_a_run_are_in_order_over_all_attempts(minutely: IntervalSchedule) -> None:
    make_task("ordered", minutely)
    absorb_edits(now=database_now())
    due = in_the_past()
    Job.objects.update(misfire_grace=None, on_lost=OnLost.RETRY, next_run_at=due, next_due_at=due)
    (run,) = plan_due(now=database_now())
    gone = uuid4()
    assert Run.objects.claim(run.task_id, task=run.task, instance_id=gone, pid=1)
    reap(now=database_now() + LEASE + SECOND)

    done = execute_run(Run.objects.get(task_id=run.task_id))

    assert done.state == RunState.SUCCEEDED
    instants = [done.scheduled_at]
    for attempt in done.attempts.order_by("number"):
        assert attempt.started_at is not None
        instants += [attempt.started_at, attempt.ended_at]
    assert len(instants) == 5
    assert instants == sorted(instants)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.scheduled_at <= done.due_at <= done.started_at <= done.finished_at


# P22


def test_the_catch_up_of_one_job_does_not_delay_another(
    minutely: IntervalSchedule, settings: Any
) -> None:
    settings.SCHEDULES = {"most_occurrences": 100}
    now = database_now().replace(microsecond=0)
    for key, behind in (("behind", timedelta(days=1)), ("punctual", timedelta(0))):
        Job.objects.create(
            key=key,
            task="promise_jobs.effect",
            args=["x"],
            timetable=to_spec(Every(SECOND)),
            next_run_at=now - behind,
            next_due_at=now - behind,
        )

    planned = plan_due(now=now)

    assert [run.job_key for run in planned] == ["punctual"]
    caught_up = Run.objects.filter(job_key="behind")
    assert sum(run.count for run in caught_up) == options().most_occurrences == 100


# Instances, and those who wait for a result.


@pytest.mark.parametrize(
    ("silent_for", "said", "shown"),
    [
        (LEASE - SECOND, InstanceStatus.RUNNING, "running"),
        (LEASE, InstanceStatus.RUNNING, "dead"),
        (SECOND, InstanceStatus.STOPPED, "stopped"),
    ],
)
def test_an_instance_that_fell_silent_is_shown_as_dead_within_thirty_seconds(
    silent_for: timedelta, said: str, shown: str
) -> None:
    now = database_now()
    instance = Instance.objects.create(
        kind=InstanceKind.WORKER,
        name="w",
        host="h",
        pid=1,
        status=said,
        started_at=now,
        heartbeat_at=now - silent_for,
    )

    assert timedelta(seconds=30) >= LEASE
    assert life_of(instance, now=now) == shown
    alive = Instance.objects.alive(now)
    assert alive.exists() == (shown == "running")


def missed() -> Run:
    run = new_run()
    finish_waiting(run, Outcome(state=RunState.MISSED, reason="too late"))
    return run


def skipped_by_planning() -> Run:
    """A row that planning wrote as final: it has no task result."""
    now = database_now()
    Job.objects.create(
        key="late",
        task="promise_jobs.effect",
        args=["x"],
        timetable=to_spec(Every(SECOND)),
        next_run_at=now - timedelta(minutes=5),
        next_due_at=now - timedelta(minutes=5),
        paused_at=now - timedelta(hours=1),
    )
    plan_due(now=now)
    return Run.objects.get(job_key="late")


def cancelled_by_its_subject() -> Run:
    declaration = find("promise_jobs.effect")
    assert declaration is not None
    call = Call(key="subject", at=database_now() + timedelta(days=1), args=("x",))
    park(declaration, [call])
    cancel_parked(["subject"], reason="gone")
    return Run.objects.get(natural_key="subject")


def lost() -> Run:
    run = new_run(options={"on_lost": "fail"})
    Run.objects.claim(run.task_id, task=run.task, instance_id=uuid4(), pid=1)
    reap(now=database_now() + LEASE + SECOND)
    return run


@pytest.mark.parametrize(
    ("ending", "raised"),
    [
        (missed, TaskRevokedError),
        (skipped_by_planning, TaskRevokedError),
        (cancelled_by_its_subject, TaskRevokedError),
        (lost, WorkerLostError),
    ],
)
def test_whoever_waits_for_a_run_that_never_ends_by_itself_is_told(
    ending: Callable[[], Run], raised: type[Exception]
) -> None:
    run = ending()

    with pytest.raises(raised):
        current_app.AsyncResult(str(run.task_id)).get(timeout=5, interval=0.01)
