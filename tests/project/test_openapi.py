"""The OpenAPI document is kept to: operations are called with what fits and with what does not."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django import DjangoDbBlocker
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from project.wsgi import application
from schedules.access import create_token
from schedules.alerts.channels import create_channel
from schedules.alerts.rules import create_rule
from schedules.api.site import api
from schedules.models import AlertChannel, AlertRule, Backfill, Job, Run, TaskFunction
from schedules.operations.calendars import create_calendar
from schedules.operations.create import create_job, find_function
from schedules.operations.failures import group_failures
from schedules.operations.occurrences import skip_occurrence
from schedules.querysets.clock import database_now
from schedules.states import FINAL, Origin, RunState
from tests.project import area_examples

pytestmark = pytest.mark.django_db

DOCUMENT = api.get_openapi_schema()
KEY = "contract"
SUBJECTS: dict[str, Any] = {}  # path values of what the fixture has made
EXAMPLES = 5
# A body above the limit is refused before anybody looks at what is wrong in it.
REJECTIONS = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422"]
CONFIG: dict[str, Any] = {
    "generation": {"mode": "all"},
    "checks": {"negative_data_rejection": {"expected-statuses": REJECTIONS}},
}


@pytest.fixture(scope="module")
def contract(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, str]]:
    """Make what the operations are called with, once for all tests: each is rolled back to here.

    Yields the headers of a superuser.
    """
    # Django's own test client does the same: the transaction must outlive the request.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_subjects()
        transaction.set_rollback(True)
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def make_subjects() -> dict[str, str]:
    """Make a job with a finished and a waiting run, and subjects of the areas; return the headers
    of a superuser.
    """
    now = database_now()
    TaskFunction.objects.create(
        key="recover_meetings", task="meetings.recover_meetings", name_en="Recover meetings"
    )
    user = User.objects.create_superuser("root")
    function = find_function(key="recover_meetings")
    values: dict[str, Any] = {"key": KEY, "cron_expression": "0 5 * * *"}
    job = create_job(function, values=values, by=user, source="code", now=now)
    create_job(function, values={**values, "key": "before"}, by=user, source="code", now=now)
    common: dict[str, Any] = {"job": job, "job_key": KEY, "task": job.task, "due_at": now}
    Run.objects.create(
        **common,
        origin=Origin.TIMETABLE,
        scheduled_at=now - timedelta(days=1),
        state=RunState.SUCCEEDED,
        started_at=now,
        finished_at=now,
    )
    Run.objects.create(
        origin=Origin.CALL,
        task=job.task,
        scheduled_at=now - timedelta(hours=1),
        due_at=now,
        state=RunState.FAILED,
        error="ValueError: no",
        finished_at=now,
    )
    SUBJECTS["group_id"] = group_failures(since=now - timedelta(hours=2), until=now).groups[0].id
    Backfill.objects.create(job=job, first=now, last=now, total=1, created_at=now)
    who: dict[str, Any] = {"by": user, "source": "code", "now": now}
    Job.objects.filter(key=KEY).update(checks=["took >= 0"])
    channel = create_channel(name="ops", kind="email", target="ops@example.com", **who)
    create_rule(kind="failed", channels=[channel], **who)
    create_calendar("Holidays", values={}, **who)
    at = (now + timedelta(days=2)).replace(hour=5, minute=0, second=0, microsecond=0)
    skip_occurrence(job, at=at, **who)
    SUBJECTS.update({"name": "Holidays", "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"})
    SUBJECTS.update(area_examples.make_subjects(user))
    return {"Authorization": f"Bearer {create_token(user, now=now).raw}"}


@pytest.fixture(scope="module")
def document() -> Any:
    config = SchemathesisConfig.from_dict(CONFIG)
    loaded = schemathesis.openapi.from_dict(json.loads(json.dumps(DOCUMENT)), config=config)
    loaded.app = application
    return loaded


BEYOND_SCHEMAS = {
    ("/api/v1/scheduler/jobs", "post"): "the function must exist, and its arguments fit it",
    ("/api/v1/scheduler/jobs/{job_id}", "put"): "the same, and one kind of timetable is left",
    ("/api/v1/scheduler/jobs/{job_id}", "patch"): "the same",
    ("/api/v1/scheduler/jobs/{job_id}/action", "post"): "kwargs must fit the job's function",
    ("/api/v1/scheduler/alerts/channels", "post"): "a name is free; a target is one of its kind",
    ("/api/v1/scheduler/alerts/channels/{channel_id}", "patch"): "the same",
    ("/api/v1/scheduler/alerts/rules", "post"): "channels and job exist; numbers fit the kind",
    ("/api/v1/scheduler/alerts/rules/{rule_id}", "patch"): "the same",
    ("/api/v1/scheduler/alerts/rules/{rule_id}/mute", "post"): "a mute ends in the future",
    ("/api/v1/scheduler/jobs/{job_id}/backfills", "post"): "a range ends in the past",
    ("/api/v1/scheduler/jobs/{job_id}/backfills/preview", "get"): "the same",
    ("/api/v1/scheduler/failures", "get"): "years have bounds, and a period ends after its begin",
    ("/api/v1/scheduler/failures/{group_id}/retry", "post"): "the same",
    ("/api/v1/scheduler/failures/{group_id}/dismiss", "post"): "the same, and a reason has words",
    ("/api/v1/scheduler/runs/{execution_id}/run-after-all", "post"): "`at` is within the row",
    ("/api/v1/scheduler/runs/{execution_id}/dismiss", "post"): "a reason has words",
    ("/api/v1/scheduler/timers/{execution_id}", "patch"): "it is due in the future",
    ("/api/v1/scheduler/timers", "get"): "a place is taken only as it was given",
    ("/api/v1/scheduler/missed", "get"): "a cursor is taken only as it was given",
    ("/api/v1/scheduler/explain", "get"): "the job must exist",
    ("/api/v1/scheduler/verify", "get"): "the same, and a month is the longest span",
    ("/api/v1/scheduler/jobs/preview", "post"): "a new job has one kind of timetable",
    ("/api/v1/scheduler/jobs/{job_id}/occurrences/{at}", "put"): "it is an occurrence to come",
    ("/api/v1/scheduler/jobs/{job_id}/occurrences/{at}", "delete"): "it is an instant",
    ("/api/v1/scheduler/calendars", "post"): "a name is free, a zone exists, and a day is left",
    ("/api/v1/scheduler/calendars/{name}", "patch"): "the same",
    ("/api/v1/scheduler/calendars/{name}/import", "post"): "the text is an iCalendar file",
    ("/api/v1/scheduler/plan", "post"): "the text is YAML with jobs in it",
    ("/api/v1/scheduler/apply", "post"): "the same",
    ("/api/v1/scheduler/simulate", "post"): "a span has an end after its begin",
    ("/api/v1/scheduler/history", "get"): "a cursor is taken only as it was given",
    ("/api/v1/scheduler/jobs/{job_id}/history", "get"): "a cursor is taken only as it was given",
    **area_examples.BEYOND_SCHEMAS,
}
"""Operations that refuse what no schema can describe, and why. All other checks stay on."""

LABELS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


# PostgreSQL refuses all that SQLite refuses, and more: narrow integers, NUL in texts. That each
# operation's statements work on SQLite is shown below, by a call that succeeds.
@pytest.mark.once
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), LABELS)
def test_the_document_is_kept_to(
    document: Any, contract: dict[str, str], path: str, method: str, mode: GenerationMode
) -> None:
    operation = document[path][method.upper()]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def keep_to_it(case: schemathesis.Case[Any]) -> None:
        with transaction.atomic():
            excluded: list[Any] = (
                [positive_data_acceptance] if (path, method) in BEYOND_SCHEMAS else []
            )
            case.call_and_validate(headers=contract, excluded_checks=excluded)
            transaction.set_rollback(True)

    keep_to_it()


PAST = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-09T00:00:00Z"}
QUERIES: dict[tuple[str, str], Any] = {
    ("/api/v1/scheduler/jobs/{job_id}/backfills/preview", "get"): PAST,
    ("/api/v1/scheduler/explain", "get"): {"job": KEY, "at": "2030-01-01T00:00:00Z"},
}

FITTING: dict[tuple[str, str], Any] = {
    ("/api/v1/scheduler/jobs", "post"): {
        "taskFunctionKey": "recover_meetings",
        "intervalMinutes": 30,
        "nameEn": "HRIS Sync",
        "nameAr": "مزامنة الموارد البشرية",
        "priority": 5,
    },
    ("/api/v1/scheduler/jobs/{job_id}", "put"): {"intervalMinutes": 60, "isEnabled": False},
    ("/api/v1/scheduler/jobs/{job_id}", "patch"): {"priority": 10},
    ("/api/v1/scheduler/jobs/{job_id}/action", "post"): {"action": "trigger"},
    ("/api/v1/scheduler/jobs/{job_id}/dependencies/{upstream_id}", "put"): {"when": "ended"},
    ("/api/v1/scheduler/jobs/{job_id}/backfills", "post"): PAST,
    ("/api/v1/scheduler/jobs/preview", "post"): {"cronExpression": "0 6 * * *"},
    ("/api/v1/scheduler/jobs/{job_id}/occurrences/{at}", "put"): {"skip": True},
    ("/api/v1/scheduler/calendars", "post"): {"name": "Shop", "weekdays": ["sun"]},
    ("/api/v1/scheduler/calendars/{name}", "patch"): {"dates": ["2026-12-25"]},
    ("/api/v1/scheduler/calendars/{name}/import", "post"): {
        "ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261226\nEND:VEVENT\nEND:VCALENDAR\n"
    },
    ("/api/v1/scheduler/plan", "post"): {"file": "version: 1\njobs: {}\n"},
    ("/api/v1/scheduler/apply", "post"): {"file": "version: 1\njobs: {}\n"},
    ("/api/v1/scheduler/simulate", "post"): PAST,
    ("/api/v1/scheduler/cleanup", "post"): {"retentionDays": 30},
    ("/api/v1/scheduler/failures/{group_id}/dismiss", "post"): {"reason": "a test"},
    ("/api/v1/scheduler/runs/{execution_id}/dismiss", "post"): {"reason": "a holiday"},
    ("/api/v1/scheduler/timers/{execution_id}", "patch"): {"dueAt": "2040-01-01T00:00:00Z"},
    ("/api/v1/scheduler/pause-all", "post"): {"reason": "stocktaking"},
    ("/api/v1/scheduler/alerts/channels", "post"): {
        "name": "HR",
        "kind": "email",
        "target": "hr@example.com",
    },
    ("/api/v1/scheduler/alerts/channels/{channel_id}", "patch"): {"isEnabled": False},
    ("/api/v1/scheduler/alerts/rules", "post"): {
        "kind": "failing",
        "times": 3,
        "job": KEY,
        "channels": ["ops"],
    },
    ("/api/v1/scheduler/alerts/rules/{rule_id}", "patch"): {"gatherSeconds": 300},
    ("/api/v1/scheduler/alerts/rules/{rule_id}/mute", "post"): {"reason": "deploy"},
    **area_examples.FITTING,
}


@pytest.mark.parametrize(("path", "method"), LABELS)
def test_every_operation_succeeds_with_what_fits_it(
    document: Any, contract: dict[str, str], path: str, method: str
) -> None:
    states = {"cancel": RunState.SENT, "dismiss": RunState.MISSED, "run-after-all": RunState.MISSED}
    state = states.get(path.rpartition("/")[2], RunState.SUCCEEDED)
    if "/timers/" in path:
        state = RunState.PLANNED
        Run.objects.filter(job_key=KEY).update(origin=Origin.CALL)
    final = state in FINAL
    now = database_now()
    Run.objects.filter(job_key=KEY).update(
        state=state, publish_at=None if final else now, finished_at=now if final else None
    )
    values: dict[str, Any] = {
        "job_id": KEY,
        "key": KEY,
        "upstream_id": "before",
        "execution_id": str(Run.objects.get(job_key=KEY).task_id),
        "channel_id": AlertChannel.objects.get().pk,
        "rule_id": AlertRule.objects.get().pk,
        "backfill_id": str(Backfill.objects.get().pk),
        **SUBJECTS,
    }
    body, query = FITTING.get((path, method)), QUERIES.get((path, method))
    case = document[path][method.upper()].Case(
        path_parameters={name: value for name, value in values.items() if f"{{{name}}}" in path},
        **({} if query is None else {"query": query}),
        **({} if body is None else {"body": body, "media_type": "application/json"}),
    )

    answer = case.call_and_validate(headers=contract)

    assert answer.status_code in (200, 201, 202, 204)
