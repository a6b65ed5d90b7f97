"""Every change and every trigger, over API, command line and admin, leaves exactly one entry.

Operations, verbs and actions are taken from the product itself: one that is missing in the tables
below fails the test.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from schedules.access import create_token
from schedules.alerts.channels import create_channel
from schedules.alerts.rules import create_rule
from schedules.api.site import api as site
from schedules.management.verbs import VERBS
from schedules.models import AlertChannel, AlertRule, AuditEntry, Backfill, Job, Run, Token
from schedules.operations.create import create_job
from schedules.operations.failures import group_failures
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from schedules.states import RunState

pytestmark = pytest.mark.django_db

S, J = "/api/v1/scheduler", "/api/v1/scheduler/jobs/{job_id}"
CHANNEL, RULE = f"{S}/alerts/channels/{{channel_id}}", f"{S}/alerts/rules/{{rule_id}}"
UPSTREAM = f"{J}/dependencies/{{upstream_id}}"
OCCURRENCE = f"{J}/occurrences/{{at}}"
CALENDAR = f"{S}/calendars/{{name}}"
FILE = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261226\nEND:VEVENT\nEND:VCALENDAR\n"

JOBS = "version: 1\njobs:\n  filed: {task: add, args: [1], intervalHours: 1}\n"

API: list[tuple[str, str, Any]] = [
    ("POST", f"{S}/jobs", {"taskFunctionKey": "add", "intervalMinutes": 5, "args": [1]}),
    ("PUT", OCCURRENCE, {"skip": True}),
    ("DELETE", OCCURRENCE, None),
    ("PUT", J, {"priority": 3}),
    ("PATCH", J, {"cronExpression": "0 6 * * *", "maxInstances": 2, "overlap": "allow"}),
    ("POST", f"{J}/action", {"action": "disable"}),
    ("POST", f"{J}/action", {"action": "enable"}),
    ("POST", f"{J}/action", {"action": "pause", "reason": "stocktaking"}),
    ("POST", f"{J}/action", {"action": "resume"}),
    ("POST", f"{J}/action", {"action": "trigger"}),
    ("POST", f"{J}/backfills", {"from": "2026-01-01T00:00:00Z", "to": "2026-01-09T00:00:00Z"}),
    ("POST", f"{S}/backfills/{{backfill_id}}/cancel", None),
    ("POST", f"{S}/apply", {"file": JOBS}),
    ("PUT", UPSTREAM, {"when": "ended"}),
    ("DELETE", UPSTREAM, None),
    ("POST", f"{S}/runs/{{ended_id}}/retry", None),
    ("PATCH", f"{S}/timers/{{waiting_id}}", {"dueAt": "2040-01-01T00:00:00Z"}),
    ("POST", f"{S}/runs/{{waiting_id}}/cancel", None),
    ("POST", f"{S}/runs/{{missed_id}}/run-after-all", None),
    ("POST", f"{S}/runs/{{ended_id}}/dismiss", {"reason": "a test"}),
    ("POST", f"{S}/failures/{{group_id}}/retry", {}),
    ("POST", f"{S}/failures/{{other_group_id}}/dismiss", {"reason": "a test"}),
    ("PATCH", J, {"checks": ["took >= 0"]}),
    ("POST", f"{S}/runs/{{good_id}}/recheck", None),
    ("POST", f"{S}/cleanup", {"retentionDays": 30}),
    ("POST", f"{S}/recover", None),
    ("POST", f"{S}/install", {"replaceExisting": True}),
    ("POST", f"{S}/pause-all", {"reason": "move"}),
    ("POST", f"{S}/resume-all", None),
    ("POST", f"{S}/shutdown", {"reason": "move"}),
    ("POST", f"{S}/start", None),
    ("POST", f"{S}/alerts/channels", {"name": "HR", "kind": "email", "target": "h@example.com"}),
    ("PATCH", CHANNEL, {"isEnabled": False}),
    ("POST", f"{CHANNEL}/key", None),
    ("PATCH", CHANNEL, {"isEnabled": True}),
    ("POST", f"{CHANNEL}/test", None),
    ("POST", f"{S}/alerts/rules", {"kind": "failed", "channels": ["ops"]}),
    ("PATCH", RULE, {"gatherSeconds": 300}),
    ("POST", f"{RULE}/mute", {"reason": "deploy"}),
    ("POST", f"{RULE}/unmute", None),
    ("DELETE", RULE, None),
    ("DELETE", CHANNEL, None),
    ("POST", "/api/v1/scheduled-jobs/{key}/trigger", None),
    ("POST", f"{S}/calendars", {"name": "Shop"}),
    ("PATCH", CALENDAR, {"weekdays": ["sat", "sun"]}),
    ("POST", f"{CALENDAR}/import", {"ics": FILE}),
    ("DELETE", CALENDAR, None),
    ("DELETE", J, None),
]
"""Every operation that is no GET, in an order in which each of them changes something."""

PREVIEWS = {("POST", f"{S}/jobs/preview"), ("POST", f"{S}/plan"), ("POST", f"{S}/simulate")}
"""What is posted and changes nothing."""

LOOKS = {"status", "jobs", "show", "next", "runs", "run", "verify", "explain"}
LOOKS |= {"health", "doctor", "openapi", "types", "preview", "export", "plan", "simulate"}
"""Verbs that change nothing."""

CLI: list[tuple[str, ...]] = [
    ("disable", "mine", "--reason", "x"),
    ("enable", "mine"),
    ("pause", "mine"),
    ("resume", "mine"),
    ("pause-all",),
    ("resume-all",),
    ("shutdown",),
    ("start",),
    ("depend", "mine", "other"),
    ("depend", "mine", "other", "--remove"),
    ("trigger", "mine"),
    ("backfill", "mine", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-09T00:00:00Z"),
    ("retry", "{ended_id}"),
    ("timers", "--move", "{waiting_id}", "--to", "2040-01-01T00:00:00Z"),
    ("cancel", "{waiting_id}"),
    ("missed", "--run", "{missed_id}"),
    ("missed", "--dismiss", "{ended_id}", "--reason", "x"),
    ("failures", "--retry", "{group_id}"),
    ("failures", "--dismiss", "{other_group_id}", "--reason", "x"),
    ("checks", "mine", "--add", "took >= 0"),
    ("recheck", "{good_id}"),
    ("cleanup", "--days", "30"),
    ("install",),
    ("recover",),
    ("token", "create", "--user", "root"),
    ("token", "revoke", "{token_id}"),
    ("import", "beat-schedule", "{file}"),
    ("apply", "-f", "{jobs_file}"),
    ("alerts", "add-channel", "HR", "--kind", "email", "--target", "h@example.com"),
    ("alerts", "test", "HR"),
    ("alerts", "add-rule", "failed", "--channel", "HR"),
    ("alerts", "mute", "{rule_id}"),
    ("alerts", "unmute", "{rule_id}"),
    ("alerts", "delete-rule", "{rule_id}"),
    ("alerts", "delete-channel", "HR"),
    ("occurrence", "mine", "{at}", "--skip"),
    ("occurrence", "mine", "{at}", "--kwargs", '{{"y": 3}}'),
    ("occurrence", "mine", "{at}", "--restore"),
    ("calendar", "Shop", "--create", "--weekdays", "sun"),
    ("calendar", "Shop", "--set", "--tz", "Asia/Jakarta"),
    ("calendar", "Shop", "--add", "2026-12-24,2026-12-25"),
    ("calendar", "Shop", "--remove", "2026-12-24"),
    ("calendar", "Shop", "--import", "{ics}"),
    ("calendar", "Shop", "--use", "mine", "--day-off", "next_day"),
    ("calendar", "Shop", "--release", "mine"),
    ("calendar", "Shop", "--delete"),
]

ADMIN = [
    ("job", "trigger_now"),
    ("run", "cancel_selected"),
    ("token", "revoke"),
    ("alertchannel", "send_test"),
    ("alertrule", "mute"),
    ("alertrule", "unmute"),
    ("periodictask", "run_tasks"),
    ("periodictask", "disable_tasks"),
    ("periodictask", "enable_tasks"),
    ("periodictask", "toggle_tasks"),
]
"""Every action of the scheduler's pages. Their forms are tested beside them."""


class Things:
    """What there is to be changed."""

    def __init__(self, make_run: Callable[..., Run], folder: Path) -> None:
        now = database_now()
        self.root = User.objects.create_superuser("root")
        install_declared(now=now)
        self.job, self.other = (
            create_job(
                "sample_jobs.add",
                values={"key": key, "cron_expression": "0 5 * * *", "args": [1]},
                by="code",
                source="code",
                now=now,
            )
            for key in ("mine", "other")
        )
        common: dict[str, Any] = {"scheduled_at": now - timedelta(days=1), "job": self.other}
        ended = make_run(
            "sample_jobs.add", 1, state=RunState.FAILED, finished_at=now, job_key="other", **common
        )
        good = make_run(
            "sample_jobs.add",
            1,
            state=RunState.SUCCEEDED,
            job=self.job,
            started_at=now,
            finished_at=now,
        )
        missed = make_run("sample_jobs.add", 1, state=RunState.MISSED, finished_at=now, **common)
        failures = [
            make_run("sample_jobs.add", 1, state=RunState.LOST, error=error, finished_at=now)
            for error in ("ValueError: a", "TypeError: b")
        ]
        Run.objects.filter(pk__in=[run.pk for run in failures]).update(scheduled_at=now)
        groups = group_failures(since=now - timedelta(hours=1), until=now).groups
        waiting = make_run("sample_jobs.add", 1, natural_key="x", due_at=now + timedelta(days=1))
        self.waiting = waiting
        more: dict[str, Any] = {"by": "code", "source": "code", "now": now}
        self.channel = create_channel(name="ops", kind="email", target="ops@example.com", **more)
        self.rule = create_rule(kind="failed", channels=[self.channel], **more)
        span = {"first": now - timedelta(days=1), "last": now}
        self.backfill = Backfill.objects.create(job=self.job, total=1, created_at=now, **span)
        self.token = create_token(self.root, now=now)
        file = folder / "schedule.json"
        file.write_text(
            json.dumps({"old": {"task": "sample_jobs.add", "schedule": 60, "args": [1]}})
        )
        tomorrow = (now + timedelta(days=2)).date()
        at = f"{tomorrow}T05:00:00Z"
        ics = folder / "dates.ics"
        ics.write_text(FILE)
        jobs_file = folder / "jobs.yaml"
        jobs_file.write_text(JOBS)
        self.names = {
            "jobs_file": jobs_file,
            "job_id": "mine",
            "key": "other",
            "upstream_id": "other",
            "ended_id": ended.task_id,
            "good_id": good.task_id,
            "waiting_id": waiting.task_id,
            "missed_id": missed.task_id,
            "group_id": groups[0].id,
            "other_group_id": groups[1].id,
            "channel_id": self.channel.pk,
            "backfill_id": self.backfill.pk,
            "rule_id": self.rule.pk,
            "token_id": create_token(self.root, now=now).token.pk,
            "file": file,
            "ics": ics,
            "name": "Shop",
            "at": at,
        }
        AuditEntry.objects.all().delete()


@pytest.fixture
def things(make_run: Callable[..., Run], tmp_path: Path) -> Things:
    return Things(make_run, tmp_path)


def entries() -> list[AuditEntry]:
    """Return the new entries, and forget them."""
    found = list(AuditEntry.objects.all())
    AuditEntry.objects.all().delete()
    return found


def _plain(path: str) -> str:
    return path.replace("other_group_id", "group_id")


def test_every_operation_of_the_api_leaves_one_entry(things: Things) -> None:
    document = site.get_openapi_schema()["paths"]
    offered = {
        (method.upper(), path)
        for path, methods in document.items()
        for method in methods
        if method != "get" and path.startswith((S, "/api/v1/scheduled-jobs"))
    }
    tried = {
        (method, re.sub("(ended|waiting|good|missed)_id", "execution_id", _plain(path)))
        for method, path, _ in API
    }
    assert offered - PREVIEWS == tried
    headers = {"Authorization": f"Bearer {things.token.raw}"}
    for method, path, body in API:
        if path.endswith(("/recover", "/install")):
            Job.objects.filter(key="daily").update(declared=None)  # so there is work to do
        answer = Client().generic(
            method,
            path.format(**things.names),
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )
        assert answer.status_code < 300, (method, path, answer.content)
        left = entries()
        assert len(left) == 1, (method, path, body, left)
        assert (left[0].actor, left[0].source) == ("root", "api")


def test_every_verb_of_the_command_line_leaves_one_entry(things: Things) -> None:
    assert VERBS.keys() - LOOKS == {words[0] for words in CLI}
    for words in CLI:
        if words[0] in ("install", "recover"):
            Job.objects.filter(key="daily").update(declared=None)  # so there is work to do
        names = things.names | {"rule_id": getattr(AlertRule.objects.last(), "pk", 0)}
        call_command("scheduler", *(word.format(**names) for word in words))
        left = entries()
        assert len(left) == 1, (words, left)
        assert left[0].source == "cli"


def test_every_action_of_the_admin_leaves_one_entry(things: Things) -> None:
    offered = {
        (model._meta.model_name, action if isinstance(action, str) else action.__name__)
        for model, page in admin.site._registry.items()
        if type(page).__module__.startswith("schedules.")
        for action in page.actions or ()
    }
    assert offered == set(ADMIN)
    browser = Client()
    browser.force_login(things.root)
    numbers = {
        "job": things.job.pk,
        "run": things.waiting.pk,
        "token": things.token.token.pk,
        "alertchannel": things.channel.pk,
        "alertrule": things.rule.pk,
        "periodictask": things.job.periodic_task_id,
    }
    for model, action in ADMIN:
        app = "django_celery_beat" if model == "periodictask" else "schedules"
        page = reverse(f"admin:{app}_{model}_changelist")
        browser.post(page, {"action": action, "_selected_action": [numbers[model]]})
        left = entries()
        assert len(left) == 1, (model, action, left)
        assert (left[0].actor, left[0].source) == ("root", "admin")


def test_looking_leaves_no_entry(things: Things) -> None:
    headers = {"Authorization": f"Bearer {things.token.raw}"}
    for path in (f"{S}/jobs", f"{S}/jobs/mine", f"{S}/history", f"{S}/status"):
        assert Client().get(path, headers=headers).status_code == 200
    for words in (("jobs",), ("show", "mine"), ("runs",), ("next", "mine")):
        call_command("scheduler", *words)

    assert entries() == []
    assert Token.objects.count() == 2
    assert AlertChannel.objects.count() == 1
