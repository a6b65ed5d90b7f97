"""Who may do what: every operation of the document against a table written by hand."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from project.roles import ensure_roles
from schedules.access import create_token, revoke_token
from schedules.alerts.channels import create_channel
from schedules.alerts.rules import create_rule
from schedules.api.site import api as site
from schedules.models import AlertChannel, AlertRule, AuditEntry, Backfill, Job, Run, Token
from schedules.operations.calendars import create_calendar
from schedules.querysets.clock import database_now
from schedules.rest import rights
from tests.schedules.api.conftest import Api

pytestmark = pytest.mark.django_db

ROLES = ("anonymous", "employee", "hr-admin", "super-admin")
RUN = uuid.UUID(int=7)

# For each operation: what it is asked with, and what each of ROLES is answered.
TABLE: dict[str, tuple[str, Any, tuple[int, int, int, int]]] = {
    "POST /api/v1/scheduler/jobs": ("", {}, (401, 403, 403, 422)),
    "GET /api/v1/scheduler/jobs": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/jobs/{job_id}": ("", None, (401, 403, 403, 200)),
    "PUT /api/v1/scheduler/jobs/{job_id}": ("", {"priority": 1}, (401, 403, 403, 200)),
    "PATCH /api/v1/scheduler/jobs/{job_id}": ("", {"priority": 1}, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/jobs/{job_id}/dependencies": ("", None, (401, 403, 403, 200)),
    "PUT /api/v1/scheduler/jobs/{job_id}/dependencies/{upstream_id}": (
        "",
        {},
        (401, 403, 403, 422),
    ),
    "DELETE /api/v1/scheduler/jobs/{job_id}/dependencies/{upstream_id}": (
        "",
        None,
        (401, 403, 403, 200),
    ),
    "GET /api/v1/scheduler/jobs/{job_id}/occurrences": ("", None, (401, 403, 403, 200)),
    "PUT /api/v1/scheduler/jobs/{job_id}/occurrences/{at}": (
        "",
        {"skip": True},
        (401, 403, 403, 200),
    ),
    "DELETE /api/v1/scheduler/jobs/{job_id}/occurrences/{at}": ("", None, (401, 403, 403, 200)),
    "DELETE /api/v1/scheduler/jobs/{job_id}": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/jobs/{job_id}/action": (
        "",
        {"action": "trigger"},
        (401, 403, 403, 200),
    ),
    "GET /api/v1/scheduler/jobs/{job_id}/next": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/jobs/{job_id}/history": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/jobs/{job_id}/backfills": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/jobs/{job_id}/backfills": ("", {}, (401, 403, 403, 422)),
    "GET /api/v1/scheduler/jobs/{job_id}/backfills/preview": ("", None, (401, 403, 403, 422)),
    "GET /api/v1/scheduler/backfills/{backfill_id}": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/backfills/{backfill_id}/cancel": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/jobs/preview": ("", {"job": "nightly"}, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/calendars": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/calendars": ("", {}, (401, 403, 403, 422)),
    "GET /api/v1/scheduler/calendars/{name}": ("", None, (401, 403, 403, 200)),
    "PATCH /api/v1/scheduler/calendars/{name}": ("", {}, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/calendars/{name}/import": ("", {"ics": ""}, (401, 403, 403, 422)),
    "DELETE /api/v1/scheduler/calendars/{name}": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/export": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/plan": ("", {}, (401, 403, 403, 422)),
    "POST /api/v1/scheduler/apply": ("", {}, (401, 403, 403, 422)),
    "POST /api/v1/scheduler/simulate": ("", {}, (401, 403, 403, 422)),
    "GET /api/v1/scheduler/history": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/runs/{execution_id}": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/runs/{execution_id}/log": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/runs/{execution_id}/retry": ("", None, (401, 403, 403, 409)),
    "POST /api/v1/scheduler/runs/{execution_id}/run-after-all": ("", None, (401, 403, 403, 409)),
    "POST /api/v1/scheduler/runs/{execution_id}/dismiss": (
        "",
        {"reason": "x"},
        (401, 403, 403, 409),
    ),
    "GET /api/v1/scheduler/failures": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/failures/{group_id}/retry": ("", {}, (401, 403, 403, 409)),
    "POST /api/v1/scheduler/failures/{group_id}/dismiss": (
        "",
        {"reason": "x"},
        (401, 403, 403, 409),
    ),
    "GET /api/v1/scheduler/missed": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/timers": ("", None, (401, 403, 403, 200)),
    "PATCH /api/v1/scheduler/timers/{execution_id}": ("", {}, (401, 403, 403, 422)),
    "POST /api/v1/scheduler/runs/{execution_id}/recheck": ("", None, (401, 403, 403, 409)),
    "POST /api/v1/scheduler/runs/{execution_id}/cancel": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/status": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/cleanup": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/explain": (
        "?job=nightly&at=2030-01-01T00:00:00Z",
        None,
        (401, 403, 403, 200),
    ),
    "GET /api/v1/scheduler/verify": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/doctor": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/recover": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/install": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/pause-all": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/resume-all": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/start": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/shutdown": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/task-functions": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/job-types": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/execution-statuses": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/alerts/channels": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/alerts/channels": ("", {}, (401, 403, 403, 422)),
    "PATCH /api/v1/scheduler/alerts/channels/{channel_id}": ("", {}, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/alerts/channels/{channel_id}/test": ("", None, (401, 403, 403, 202)),
    "POST /api/v1/scheduler/alerts/channels/{channel_id}/key": ("", None, (401, 403, 403, 200)),
    "DELETE /api/v1/scheduler/alerts/channels/{channel_id}": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/alerts/rules": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/alerts/rules": ("", {}, (401, 403, 403, 422)),
    "PATCH /api/v1/scheduler/alerts/rules/{rule_id}": ("", {}, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/alerts/rules/{rule_id}/mute": ("", None, (401, 403, 403, 200)),
    "POST /api/v1/scheduler/alerts/rules/{rule_id}/unmute": ("", None, (401, 403, 403, 200)),
    "DELETE /api/v1/scheduler/alerts/rules/{rule_id}": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduler/alerts/deliveries": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduled-jobs/": ("", None, (401, 403, 200, 200)),
    "GET /api/v1/scheduled-jobs/executions/recent": ("", None, (401, 403, 200, 200)),
    "GET /api/v1/scheduled-jobs/{key}": ("", None, (401, 403, 200, 200)),
    "POST /api/v1/scheduled-jobs/{key}/trigger": ("", None, (401, 403, 403, 200)),
    "GET /api/v1/scheduled-jobs/{key}/history": ("", None, (401, 403, 200, 200)),
}


def operations() -> list[str]:
    """Return the scheduler's own operations; areas test theirs."""
    return [
        f"{method.upper()} {path}"
        for path, methods in site.get_openapi_schema()["paths"].items()
        for method in methods
        if path.startswith(("/api/v1/scheduler/", "/api/v1/scheduled-jobs/"))
    ]


@pytest.fixture
def things(make_job: Callable[..., Job], make_run: Callable[..., Run]) -> Job:
    hour = database_now().replace(minute=0, second=0, microsecond=0)
    job = make_job("nightly", due=hour + timedelta(hours=2))
    make_run(task_id=RUN)
    common: dict[str, Any] = {"by": "test", "source": "code", "now": database_now()}
    channel = create_channel(name="ops", kind="email", target="ops@example.com", **common)
    create_rule(kind="failed", channels=[channel], **common)
    make_backfill(job)
    create_calendar("Holidays", values={}, **common)
    AuditEntry.objects.all().delete()
    return job


def make_backfill(job: Job) -> Backfill:
    at = job.created_at
    return Backfill.objects.create(job=job, first=at, last=at, total=1, created_at=at)


def address_of(path: str) -> str:
    """Fill in what there is; what was deleted meanwhile is nowhere."""
    return path.format(
        job_id="nightly",
        upstream_id="nightly",
        key="nightly",
        name="Holidays",
        at=f"{database_now() + timedelta(hours=3):%Y-%m-%dT%H:00:00Z}",
        execution_id=RUN,
        group_id="0123456789abcdef",
        backfill_id=Backfill.objects.values_list("pk", flat=True).first(),
        channel_id=AlertChannel.objects.values_list("pk", flat=True).first() or 0,
        rule_id=AlertRule.objects.values_list("pk", flat=True).first() or 0,
    )


def test_every_operation_is_in_the_table() -> None:
    assert sorted(operations()) == sorted(TABLE)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_the_answers_of_the_table(
    make_api: Callable[..., Api], things: Job, role: str
) -> None:
    groups = {"employee": "Employee", "hr-admin": "HR Admin", "super-admin": "Super Admin"}
    ask = make_api(groups[role]) if role in groups else Api()
    answers: dict[str, int] = {}
    # Deleting comes last: the other operations need the job.
    for operation in sorted(TABLE, key=lambda name: name.startswith("DELETE")):
        method, _, path = operation.partition(" ")
        query, body, _ = TABLE[operation]
        answers[operation] = ask(method, f"{address_of(path)}{query}", body).status_code

    place = ROLES.index(role)
    assert answers == {name: wanted[place] for name, (_, _, wanted) in TABLE.items()}
    if role != "super-admin":
        assert not AuditEntry.objects.exists()


def test_an_operation_that_says_nothing_of_rights_is_denied() -> None:
    right = rights.Right(rights.NOBODY)
    user = User(is_superuser=True, is_active=True)

    with pytest.raises(Exception, match="Nobody"):
        right.check(user)


def test_one_setting_relaxes_the_api_to_single_permissions(
    make_api: Callable[..., Api], things: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = make_api("HR Admin")
    monkeypatch.setattr(rights, "by_permission", lambda: True)

    assert ask("GET", "/jobs").status_code == 200
    assert ask("POST", "/jobs/nightly/action", {"action": "trigger"}).status_code == 403


def test_a_scope_narrows_what_a_token_may(make_api: Callable[..., Api], things: Job) -> None:
    ask = make_api(scope="view")

    assert ask("GET", "/jobs").status_code == 200
    assert ask("GET", f"/runs/{RUN}").status_code == 403
    assert ask("POST", "/jobs/nightly/action", {"action": "trigger"}).status_code == 403


def test_a_revoked_an_ended_and_a_made_up_token_are_the_same(db: None) -> None:
    ensure_roles()
    user = User.objects.create_superuser("root")
    now = database_now()
    revoked = create_token(user, now=now)
    revoke_token(revoked.token, now=now)
    ended = create_token(user, now=now, expires_at=now + timedelta(days=1))
    Token.objects.filter(pk=ended.token.pk).update(expires_at=now - timedelta(days=1))

    answers = [Api(raw)("GET", "/jobs") for raw in (revoked.raw, ended.raw, "sched_guess", "\t")]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"


def test_a_browser_needs_the_csrf_token_for_every_change(things: Job) -> None:
    ensure_roles()
    user = User.objects.create_user("siti", password="a-long-password")
    user.groups.add(Group.objects.get(name="Super Admin"))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)

    assert client.get("/api/v1/scheduler/jobs").status_code == 200
    for operation, (_, body, _) in TABLE.items():
        method, _, path = operation.partition(" ")
        address = address_of(path)
        if method != "GET":
            answer = client.generic(method, address, "{}", content_type="application/json")
            assert answer.status_code == 403, (operation, body)
    assert not AuditEntry.objects.exists()


def test_a_browser_with_the_csrf_token_may(things: Job) -> None:
    ensure_roles()
    user = User.objects.create_user("siti", password="a-long-password")
    user.groups.add(Group.objects.get(name="Super Admin"))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    client.cookies["csrftoken"] = token = "a" * 32

    answer = client.post(
        "/api/v1/scheduler/jobs/nightly/action",
        {"action": "trigger"},
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )

    assert answer.status_code == 200
    assert AuditEntry.objects.get().actor == "siti"
