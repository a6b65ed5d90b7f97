"""`scheduler trigger`, `install` and `token`; and the command line itself."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import CommandError

from schedules.access import MANAGE, OPERATE, VIEW, VIEW_DETAILS, authenticate
from schedules.management.parser import SchedulerParser
from schedules.models import AuditEntry, Job, Run
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState
from tests.schedules.management.conftest import Answer

Scheduler = Callable[..., Answer]
Make = Callable[..., Any]


make_groups = import_module("schedules.migrations.0011_roles").make_groups
SLEEP = "schedules.management.verbs.run_log.time.sleep"


@pytest.mark.django_db
def test_a_triggered_run_is_planned_and_traced(scheduler: Scheduler, make_job: Make) -> None:
    job = make_job("nightly")

    answer = scheduler("trigger", "nightly", "--reason", "figures corrected", "--json")

    run = Run.objects.get()
    assert answer.code == 0
    assert answer.document["executionId"] == str(run.task_id)
    assert (run.job, run.origin) == (job, Origin.OPERATOR)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.source) == ("trigger", "job:nightly", "cli")
    assert entry.reason == "figures corrected"


@pytest.mark.django_db
def test_waiting_ends_with_the_patience(scheduler: Scheduler, make_job: Make) -> None:
    make_job("nightly")

    answer = scheduler("trigger", "nightly", "--wait", "--timeout", "1", "--json")

    assert answer.code == 5
    assert answer.document["statusName"] == "queued"


@pytest.mark.django_db
def test_waiting_shows_states_progress_and_lines_beside_the_result(
    scheduler: Scheduler, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job("nightly")
    started = {"state": RunState.RUNNING, "publish_at": None, "slot": 0, "attempt": 1}
    steps: list[dict[str, Any]] = [
        {**started, "progress": {"done": 1, "total": 3}, "log": "one\n"},
        {"progress": {"done": 2, "total": 3}, "log": "one\ntwo\n"},
        {"state": RunState.SUCCEEDED, "slot": None, "finished_at": database_now(), "summary": "3"},
    ]
    monkeypatch.setattr(SLEEP, lambda _: Run.objects.update(**steps.pop(0)))

    answer = scheduler("trigger", "nightly", "--wait", "--json")

    assert (answer.code, answer.document["resultSummary"]) == (0, "3")
    lines = answer.err.splitlines()[1:]
    assert lines == ["sent", "running", "one", "1 of 3", "two", "2 of 3"]


@pytest.mark.django_db
def test_ctrl_c_ends_the_waiting_and_not_the_run(
    scheduler: Scheduler, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job("nightly")

    def press(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SLEEP, press)
    answer = scheduler("trigger", "nightly", "--wait", "--json")

    run = Run.objects.get()
    assert answer.code == 130
    assert answer.document["executionId"] == str(run.task_id)
    assert f"{run.task_id} goes on" in answer.err
    assert not run.is_final


@pytest.mark.parametrize(
    ("state", "code"),
    [(RunState.SUCCEEDED, 0), (RunState.FAILED, 1), (RunState.SKIPPED, 1), (RunState.LOST, 1)],
)
@pytest.mark.django_db
def test_waiting_ends_with_the_outcome(
    scheduler: Scheduler, make_job: Make, state: RunState, code: int
) -> None:
    make_job("nightly")
    words = ("trigger", "nightly", "--idempotency-key", "k", "--json")
    scheduler(*words)
    Run.objects.update(state=state, publish_at=None, finished_at=database_now(), error="disk full")

    answer = scheduler(*words, "--wait", "--timeout", "5")

    assert answer.code == code
    assert answer.document["errorMessage"] == "disk full"
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_a_disabled_job_is_refused(scheduler: Scheduler, make_job: Make) -> None:
    make_job("nightly", is_enabled=False)

    refused = scheduler("trigger", "nightly", "--json")
    forced = scheduler("trigger", "nightly", "--even-if-disabled", "--json")

    assert refused.code == 4
    assert "is disabled" in refused.document["error"]["detail"]
    assert forced.code == 0
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_arguments_that_do_not_fit_are_refused(scheduler: Scheduler, make_job: Make) -> None:
    make_job("nightly")

    unknown = scheduler("trigger", "nightly", "--kwargs", '{"z": 1}', "--json")
    broken = scheduler("trigger", "nightly", "--kwargs", "{", "--json")

    assert (unknown.code, broken.code) == (2, 2)
    assert broken.document["error"]["field"] == "kwargs"
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_installing_twice_changes_nothing(scheduler: Scheduler) -> None:
    first = scheduler("install", "--json").document
    second = scheduler("install", "--json").document

    assert "daily" in first["created"]
    assert second["created"] == []
    assert Job.objects.filter(key="daily").count() == 1
    assert "unchanged" in scheduler("install").out


@pytest.mark.django_db
def test_a_token_is_printed_once_and_works(scheduler: Scheduler) -> None:
    user = User.objects.create_user("reporting")

    answer = scheduler("token", "create", "--user", "reporting", "--name", "export", "--json")

    raw = answer.document["token"]
    token = authenticate(raw, now=database_now())
    assert token is not None
    assert (token.user, token.name) == (user, "export")
    assert raw not in answer.err
    assert raw not in str(AuditEntry.objects.values().get())


@pytest.mark.django_db
def test_without_json_stdout_is_the_token_alone(scheduler: Scheduler) -> None:
    User.objects.create_user("reporting")

    answer = scheduler("token", "create", "--user", "reporting")

    assert authenticate(answer.out.strip(), now=database_now()) is not None
    assert "not shown again" in answer.err


@pytest.mark.django_db
def test_a_token_needs_a_user_and_an_end(scheduler: Scheduler) -> None:
    User.objects.create_user("reporting")

    nobody = scheduler("token", "create", "--user", "nobody", "--json")
    no_end = scheduler("token", "create", "--user", "reporting", "--expires-days", "0", "--json")

    assert (nobody.code, no_end.code) == (3, 2)
    assert no_end.document["error"]["field"] == "expiresDays"


@pytest.mark.django_db
def test_tokens_are_listed_without_their_text_and_revoked_once(scheduler: Scheduler) -> None:
    User.objects.create_user("reporting")
    made = scheduler("token", "create", "--user", "reporting", "--name", "export", "--json")
    number, raw = made.document["id"], made.document["token"]
    AuditEntry.objects.all().delete()

    listed = scheduler("token", "list", "--user", "reporting", "--json")
    others = scheduler("token", "list", "--user", "nobody", "--json")
    revoked = scheduler("token", "revoke", number, "--reason", "left", "--json")
    again = scheduler("token", "revoke", number, "--json")
    pasted = scheduler("token", "revoke", raw, "--json")

    [item] = listed.document["items"]
    assert (item["id"], item["name"], item["isValid"]) == (number, "export", True)
    assert raw not in listed.out
    assert others.document == {"items": []}
    assert revoked.document["isValid"] is False
    assert (again.code, pasted.code) == (4, 3)
    assert raw not in pasted.out
    assert authenticate(raw, now=database_now()) is None
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.reason) == ("revoke", f"token:{number}", "left")


@pytest.mark.django_db
def test_the_roles_of_a_token_come_with_the_migrations(scheduler: Scheduler) -> None:
    Group.objects.all().delete()
    make_groups(apps, None)

    made = [
        scheduler("token", "create", "--user", role, "--role", role, "--json")
        for role in ("super-admin", "hr-admin", "employee")
    ]

    assert [answer.code for answer in made] == [0, 0, 0]
    rights = {user.username: user.get_all_permissions() for user in User.objects.all()}
    assert rights == {
        "super-admin": {VIEW, VIEW_DETAILS, OPERATE, MANAGE},
        "hr-admin": {VIEW, VIEW_DETAILS},
        "employee": set(),
    }


def test_words_that_make_no_sense_are_refused_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = SchedulerParser(called_from_command_line=True)
    parser.add_argument("--json", action="store_true")

    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--nonsense", "--json"])

    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert '"field": "arguments"' in out
    assert err == ""


def test_a_program_gets_an_exception() -> None:
    with pytest.raises(CommandError, match="unrecognized arguments: --nonsense") as error:
        call_command("scheduler", "next", "--nonsense")

    assert error.value.returncode == 2


@pytest.mark.parametrize("verb", ["status", "jobs", "next", "runs", "trigger", "install", "token"])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("scheduler", verb, "--help")

    out = capsys.readouterr().out
    assert end.value.code == 0
    assert "examples:" in out
    assert "--json" in out
