"""The watch over the jobs: repairs what a fault has done, leaves what a person has."""

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from schedules.adapters import triggers
from schedules.dispatch import absorb_edits
from schedules.models import AuditEntry, Instance, Job, Run, ScheduleVersion
from schedules.operations.edit import update_job
from schedules.operations.install import install_declared
from schedules.operations.switch import pause_job
from schedules.public import Watch, database_now, watch_jobs
from schedules.testing import execute
from tasks.maintenance.jobs import monitor_jobs
from tests.sql import run_sql

pytestmark = pytest.mark.django_db
KEY = "auto_create_daily_attendance"


@pytest.fixture(autouse=True)
def installed() -> None:
    """Have the rows that a migration makes."""
    install_declared(now=database_now())
    absorb_edits(now=database_now())  # the installation's own writes


def look() -> Watch:
    return watch_jobs(now=database_now())


def lose(key: str) -> None:
    """Delete the job's row as somebody with SQL would."""
    ScheduleVersion.objects.filter(job__key=key).delete()
    Job.objects.filter(key=key).delete()


def test_all_is_well_after_an_installation() -> None:
    watch = look()

    assert watch.checked >= 10
    assert (watch.repaired, watch.problems) == ([], [])
    assert "check_memberships is disabled." in watch.left_alone
    assert not AuditEntry.objects.filter(source="repair").exists()


def test_a_missing_row_is_restored_once_and_audited() -> None:
    lose(KEY)

    first, second = look(), look()

    assert first.repaired == [f"{KEY} was missing and is back."]
    assert (second.repaired, second.problems) == ([], [])
    restored = Job.objects.get(key=KEY)
    assert restored.next_run_at is not None
    assert (restored.owner, restored.misfire_grace) == ("declared", timedelta(hours=23))
    entry = AuditEntry.objects.get(source="repair")
    assert (entry.action, entry.subject, entry.actor) == ("restore", f"job:{KEY}", "monitor_jobs")


@pytest.mark.django_db(transaction=True)  # on PostgreSQL the triggers speak at the commit
@pytest.mark.parametrize("how", ["orm", "sql"])
def test_a_deletion_on_the_stock_page_or_by_sql_is_a_persons_and_stays(how: str) -> None:
    if how == "orm":
        PeriodicTask.objects.get(name=KEY).delete()
    else:
        run_sql("DELETE FROM django_celery_beat_periodictask WHERE name = %s", KEY)

    watch = look()

    assert (watch.repaired, watch.problems) == ([], [])
    assert f"{KEY} was deleted by a person." in watch.left_alone
    assert not PeriodicTask.objects.filter(name=KEY).exists()


def test_a_periodic_task_that_is_gone_without_having_been_deleted_is_restored() -> None:
    triggers.drop()  # as where a backup was restored, or the table truncated
    run_sql("DELETE FROM django_celery_beat_periodictask WHERE name = %s", KEY)
    triggers.create()

    assert look().repaired == [f"{KEY} was missing and is back."]
    assert PeriodicTask.objects.get(name=KEY).job.next_run_at is not None


def lose_task(key: str) -> None:
    """Let the periodic task be gone, as where a backup was restored, or the table truncated."""
    triggers.drop()
    run_sql("DELETE FROM django_celery_beat_periodictask WHERE name = %s", key)
    triggers.create()


def test_a_lost_row_comes_back_as_it_was_last() -> None:
    job = Job.objects.get(key=KEY)
    changes = {"enabled": False, "cron_expression": "15 1 * * *", "priority": 4}
    update_job(job, changes=changes, by="ana", source="cli", now=database_now())
    pause_job(job, by="ana", source="cli", now=database_now(), reason="audit")
    absorb_edits(now=database_now())
    lose_task(KEY)

    assert look().repaired == [f"{KEY} was missing and is back."]

    restored = Job.objects.get(key=KEY)
    task = PeriodicTask.objects.get(name=KEY)
    assert (restored.is_enabled, task.enabled, restored.priority) == (False, False, 4)
    assert (restored.timetable or {})["expression"] == "15 1 * * *"
    assert (task.crontab.minute, task.crontab.hour) == ("15", "1")
    assert restored.pause_reason == "audit"
    assert set(restored.overridden) == {"enabled", "priority", "timetable"}
    assert look().repaired == []


def test_a_lost_job_comes_back_switched_off_where_its_periodic_task_is() -> None:
    lose(KEY)
    PeriodicTask.objects.filter(name=KEY).update(enabled=False)
    absorb_edits(now=database_now())

    look()

    restored = Job.objects.get(key=KEY)
    assert (restored.owner, restored.is_enabled) == ("declared", False)
    assert not PeriodicTask.objects.get(name=KEY).enabled


def test_a_job_that_a_beat_has_made_for_a_lost_one_gets_its_policy_back() -> None:
    lose(KEY)
    PeriodicTask.objects.filter(name=KEY).update(description="edited")
    PeriodicTask.objects.filter(name=KEY).update(queue="slow")
    absorb_edits(now=database_now())

    look()

    restored = Job.objects.get(key=KEY)
    assert (restored.owner, restored.misfire_grace) == ("declared", timedelta(hours=23))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_active": False, "is_enabled": False}, f"{KEY} was deleted by a person."),
        ({"is_enabled": False}, f"{KEY} is disabled."),
        ({"paused_at": "2030-01-01T00:00Z", "pause_reason": "audit"}, f"{KEY} is paused: audit."),
    ],
)
def test_what_a_person_has_done_is_reported_and_stays(change: dict[str, object], said: str) -> None:
    Job.objects.filter(key=KEY).update(**change)
    before = Job.objects.filter(key=KEY).values().get()

    watch = look()

    assert said in watch.left_alone
    assert (watch.repaired, watch.problems) == ([], [])
    assert Job.objects.filter(key=KEY).values().get() == before


def test_a_deleted_job_stays_deleted_also_when_another_is_restored() -> None:
    Job.objects.filter(key=KEY).update(is_active=False, is_enabled=False, next_run_at=None)
    PeriodicTask.objects.filter(name=KEY).delete()
    lose("recover_meetings")

    watch = look()

    assert watch.repaired == ["recover_meetings was missing and is back."]
    deleted = Job.objects.get(key=KEY)
    assert (deleted.is_active, deleted.next_run_at) == (False, None)


@pytest.mark.parametrize("lost", [{"next_run_at": None}, {"next_due_at": None}])
def test_a_next_run_that_got_lost_is_found_again_and_audited(lost: dict[str, None]) -> None:
    right = Job.objects.filter(key=KEY).values("next_run_at", "next_due_at").get()
    Job.objects.filter(key=KEY).update(**lost)

    watch = look()

    assert [line.partition(" ")[0] for line in watch.repaired] == [KEY]
    assert Job.objects.filter(key=KEY).values("next_run_at", "next_due_at").get() == right
    assert AuditEntry.objects.get(source="repair").action == "restore_next_run"
    assert look().repaired == []


def test_what_is_due_and_planned_by_nobody_is_a_problem() -> None:
    late = database_now() - timedelta(minutes=5)
    Job.objects.filter(key=KEY).update(next_run_at=late, next_due_at=late)

    run = execute(monitor_jobs)

    assert run.state == "failed"
    assert ", 1 in trouble, " in run.summary


def test_runs_that_wait_or_run_too_long_are_named() -> None:
    now = database_now()
    beat = Instance.objects.create(
        kind="worker", name="w", host="h", pid=1, started_at=now, heartbeat_at=now, status="running"
    )
    long_ago = now - timedelta(hours=2)
    common = {"origin": "call", "task": "games.x", "scheduled_at": long_ago, "due_at": long_ago}
    waits = Run.objects.create(**common, state="sent", publish_at=now)
    runs = Run.objects.create(
        **common, state="running", started_at=long_ago, instance_id=beat.pk, attempt=1
    )

    problems = look().problems

    assert len(problems) == 2
    assert f"(run {waits.task_id})" in problems[0]
    assert problems[0].startswith("games.x waits for a worker since")
    assert f"(run {runs.task_id})" in problems[1]
    assert problems[1].startswith("games.x is stuck: running since")


def test_a_job_that_cannot_run_is_a_problem() -> None:
    Job.objects.filter(key=KEY).update(invalid_reason="its zone is Mars.")

    assert look().problems == [f"{KEY} cannot run: its zone is Mars."]
