"""The verbs that change one job, one run or everything; `doctor`, `recover`, `health`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from project.roles import ensure_roles
from schedules.access import authenticate
from schedules.adapters import triggers
from schedules.models import AuditEntry, GlobalPause, Run, Token
from schedules.querysets.clock import database_now
from schedules.states import RunState
from tests.schedules.management.conftest import Answer

pytestmark = pytest.mark.django_db

Scheduler = Callable[..., Answer]
Make = Callable[..., Any]


@pytest.fixture
def installed(scheduler: Scheduler) -> None:
    scheduler("install")
    AuditEntry.objects.all().delete()  # its own


def test_a_job_is_switched_off_and_on(scheduler: Scheduler, installed: None) -> None:
    off = scheduler("disable", "daily", "--reason", "agreed", "--json").document
    on = scheduler("enable", "daily", "--json").document

    assert (off["isEnabled"], off["nextRunAt"]) == (False, None)
    assert (on["isEnabled"], on["nextRunAt"] is None) == (True, False)
    entries = [(e.action, e.source, e.reason) for e in AuditEntry.objects.order_by("id")]
    assert entries == [("disable", "cli", "agreed"), ("enable", "cli", "")]


def test_a_job_is_paused_with_an_end_and_resumed(scheduler: Scheduler, installed: None) -> None:
    until = "2099-12-24T00:00:00Z"

    paused = scheduler("pause", "daily", "--until", until, "--reason", "holiday", "--json").document
    resumed = scheduler("resume", "daily", "--json").document

    assert (paused["isPaused"], paused["pausedUntil"], paused["pauseReason"]) == (
        True,
        until,
        "holiday",
    )
    assert resumed["isPaused"] is False
    assert scheduler("pause", "daily", "--until", "2020-01-01T00:00:00Z", "--json").code == 2
    assert scheduler("pause", "nobody", "--json").code == 3


def test_everything_is_paused_and_resumed(scheduler: Scheduler) -> None:
    assert scheduler("pause-all", "--reason", "move", "--json").document["isPaused"] is True
    assert scheduler("resume-all", "--json").document["wasPaused"] is True
    assert scheduler("resume-all", "--json").document["wasPaused"] is False
    assert GlobalPause.objects.get().reason == "move"
    assert [e.action for e in AuditEntry.objects.order_by("id")] == ["pause_all", "resume_all"]


def test_a_shutdown_waits_for_what_works_and_says_when_it_gives_up(
    scheduler: Scheduler, make_run: Make
) -> None:
    running = make_run("sample_jobs.add", 4, state=RunState.RUNNING, publish_at=None)

    late = scheduler("shutdown", "--wait", "--timeout", "1", "--json")
    running.state, running.finished_at = RunState.LOST, database_now()
    running.save()
    done = scheduler("shutdown", "--wait")
    started = scheduler("start", "--json")

    assert (late.code, late.document["isDone"], late.document["running"]) == (5, False, 1)
    assert (done.code, "the processes can be ended" in done.out) == (0, True)
    assert (started.code, started.document["isRunning"]) == (0, False)
    assert started.document["wasPaused"] is True


def test_a_run_is_shown_cancelled_and_retried(scheduler: Scheduler, make_run: Make) -> None:
    run = make_run("sample_jobs.add", 4)
    key = str(run.task_id)

    shown = scheduler("run", key, "--json").document
    early = scheduler("retry", key, "--json")
    cancelled = scheduler("cancel", key, "--json").document
    again = scheduler("cancel", key, "--json")
    retried = scheduler("retry", key, "--json").document

    assert (shown["args"], shown["statusName"]) == ([4], "pending")
    assert (early.code, again.code) == (4, 4)
    assert cancelled["statusName"] == "cancelled"
    assert Run.objects.get(task_id=retried["executionId"]).parent_id == run.task_id
    assert scheduler("run", "nonsense", "--json").code == 3


def test_show_is_the_json_of_the_api(scheduler: Scheduler, installed: None) -> None:
    shown = scheduler("show", "daily", "--json").document

    assert (shown["key"], shown["cronExpression"]) == ("daily", "30 0 * * *")
    assert "30 0 * * * Asia/Jakarta" in scheduler("show", "daily").out


def test_old_history_is_cleaned_up(scheduler: Scheduler, make_run: Make) -> None:
    old = database_now() - timedelta(days=40)
    make_run(state=RunState.SUCCEEDED, scheduled_at=old, due_at=old, finished_at=old)
    make_run()

    assert scheduler("cleanup", "--json").document["deletedCount"] == 1
    assert scheduler("cleanup", "--days", "0", "--json").code == 2
    assert Run.objects.count() == 1


def test_doctor_finds_what_recover_puts_back(scheduler: Scheduler) -> None:
    triggers.drop()

    before = scheduler("doctor", "--json")
    recovered = scheduler("recover", "--json").document
    after = scheduler("doctor", "--json").document["items"]

    assert before.code == 1
    assert {"triggers", "beat", "jobs"} <= {item["check"] for item in before.document["items"]}
    assert "daily" in recovered["created"]
    assert not {"triggers", "jobs"} & {item["check"] for item in after}
    assert [e.action for e in AuditEntry.objects.all()] == ["recover"]
    assert "Nothing was missing." in scheduler("recover").out


def test_doctor_names_a_run_that_nobody_takes(
    scheduler: Scheduler, make_run: Callable[..., Run]
) -> None:
    run = make_run(due_at=database_now() - timedelta(minutes=20))

    items = scheduler("doctor", "--json").document["items"]

    [waiting] = [item for item in items if item["check"] == "waiting"]
    assert str(run.task_id) in waiting["found"]


def test_doctor_needs_no_setting_that_celery_has_a_default_for(
    scheduler: Scheduler, make_run: Make, settings: Any
) -> None:
    del settings.CELERY_TASK_TIME_LIMIT
    make_run()

    assert scheduler("doctor", "--json").code == 1


def test_health_is_a_problem_without_a_beat(scheduler: Scheduler) -> None:
    answer = scheduler("health", "--json")

    assert (answer.code, answer.document["database"], answer.document["beat"]) == (1, "ok", "down")


def test_a_role_makes_the_user_and_its_token(scheduler: Scheduler) -> None:
    ensure_roles()

    answer = scheduler("token", "create", "--user", "robot", "--role", "hr-admin", "--json")

    token = authenticate(answer.document["token"], now=database_now())
    assert token is not None
    assert [group.name for group in token.user.groups.all()] == ["HR Admin"]
    assert not User.objects.get(username="robot").has_usable_password()
    assert scheduler("token", "create", "--user", "x", "--role", "king", "--json").code == 3
    assert not User.objects.filter(username="x").exists()


def test_a_role_is_only_for_a_new_user_or_one_who_has_it(scheduler: Scheduler) -> None:
    ensure_roles()
    create = ("token", "create", "--json", "--user")
    assert scheduler(*create, "boss", "--role", "super-admin").code == 0
    User.objects.create_superuser("root")
    User.objects.create_user("plain")

    again = scheduler(*create, "boss", "--role", "super-admin")
    lower = scheduler(*create, "boss", "--role", "employee")
    refused = [scheduler(*create, name, "--role", "super-admin") for name in ("root", "plain")]

    assert (again.code, again.document["role"]) == (0, "super-admin")
    assert (lower.code, [answer.code for answer in refused]) == (4, [4, 4])
    assert lower.document["error"]["detail"].startswith("User 'boss' exists and has Super Admin,")
    assert not User.objects.filter(username__in=["plain", "root"], groups__isnull=False).exists()
    assert Token.objects.count() == 2


@pytest.mark.parametrize("verb", ["openapi", "types"])
def test_the_contract_is_written_and_compared(
    scheduler: Scheduler, tmp_path: Any, verb: str
) -> None:
    file = tmp_path / "contract"

    missing = scheduler(verb, "--output", str(file), "--check", "--json")
    written = scheduler(verb, "--output", str(file), "--json")
    current = scheduler(verb, "--output", str(file), "--check", "--json")

    assert (missing.code, written.code, current.code) == (1, 0, 0)
    assert current.document["isCurrent"] is True


def test_the_document_is_printed(scheduler: Scheduler) -> None:
    assert scheduler("openapi", "--json").document["openapi"] == "3.1.0"
