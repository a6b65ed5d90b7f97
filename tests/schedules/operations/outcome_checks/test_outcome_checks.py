"""Green but wrong: a success that does not stand its job's checks is suspect, and people hear of
it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.alerts.rulebook import forget
from schedules.models import Alert, AuditEntry, Job, Run, TaskFunction, Verdict, Watermark
from schedules.operations.outcome_checks.passing import NAME, TASK, plan_checks
from schedules.public import job as declare
from schedules.querysets.clock import database_now
from schedules.retention import clean_log
from schedules.testing import execute, execute_run
from schedules.timing import Cron
from tests.schedules import sample_jobs
from tests.schedules.api.conftest import Api, api, make_api  # noqa: F401 - fixtures
from tests.schedules.dashboard.conftest import operator, reader  # noqa: F401
from tests.schedules.management.conftest import scheduler  # noqa: F401

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LATER = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def counting(make_job: Callable[..., Job]) -> Job:
    """A job that counts, with nothing to check yet."""
    function = TaskFunction.objects.create(key="count", task="sample_jobs.count")
    return make_job(
        "count",
        task="sample_jobs.count",
        task_function=function,
        args=[],
        due=database_now() + DAY,
        timetable=Cron("0 1 * * *", tz="Asia/Jakarta"),
    )


def ran(total: int, errors: int = 0, *, days_ago: int = 0) -> Run:
    at = database_now() - days_ago * DAY
    return execute(sample_jobs.count, total, errors=errors, scheduled_at=at)


def beat_and_worker() -> bool:
    """What Beat and a worker do once what ended has settled."""
    planned = plan_checks(now=database_now() + LATER)
    for run in Run.objects.filter(task=TASK, state="planned"):
        Run.objects.filter(pk=run.pk).update(due_at=database_now() - LATER)
        assert execute_run(run).state == "succeeded"
    return planned


def test_a_rule_set_over_the_api_makes_a_wrong_success_suspect_and_tells_of_it(
    api: Api,  # noqa: F811
    counting: Job,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    channel = {"name": "ops", "kind": "email", "target": "ops@example.com"}
    assert api("POST", "/alerts/channels", channel).status_code == 201
    rule = {"kind": "suspect", "channels": ["ops"]}
    assert api("POST", "/alerts/rules", rule).status_code == 201
    checks = ["errors == 0", "total >= 0.8 * median(total, last=5)", "took < 60"]
    forget()

    answer = api("PATCH", f"/jobs/{counting.pk}", {"checks": checks})
    assert answer.json()["checks"] == checks
    plan_checks(now=database_now())
    good = [ran(total, days_ago=9 - n) for n, total in enumerate((100, 110, 105))]
    wrong = ran(40, 2)
    with django_capture_on_commit_callbacks(execute=True):
        assert beat_and_worker()

    shown = api("GET", f"/runs/{wrong.task_id}").json()
    assert shown["statusName"] == "success"
    assert shown["suspectReason"] == (
        "errors == 0: errors = 2; total >= 0.8 * median(total, last=5):"
        " total = 40, median(total, last=5) = 105"
    )
    assert [each["holds"] for each in shown["checks"]] == [False, False, True]
    assert shown["checks"][1]["numbers"] == {"total": 40, "median(total, last=5)": 105.0}
    wrong.refresh_from_db()
    assert (wrong.state, bool(wrong.suspect_reason)) == ("succeeded", True)
    assert [Run.objects.get(pk=run.pk).suspect_reason for run in good] == [""] * 3
    assert [v.findings[1]["holds"] for v in Verdict.objects.order_by("run_id")][:3] == [None] * 3
    assert "count is suspect (scheduled at" in Alert.objects.get().text
    assert AuditEntry.objects.get(action="edit").after == {"checks": checks}


def test_each_run_is_checked_once_and_other_jobs_cost_one_look(
    make_job: Callable[..., Job], counting: Job
) -> None:
    now = database_now()
    with CaptureQueriesContext(connection) as looks:
        assert not plan_checks(now=now)
    assert len(looks) == 1

    Job.objects.filter(pk=counting.pk).update(checks=["errors == 0"])
    plan_checks(now=database_now())
    ran(1, 1)
    assert beat_and_worker()
    before = Verdict.objects.get()
    assert not beat_and_worker()

    assert list(Verdict.objects.values()) == [
        {"run_id": before.run_id, "at": before.at, "suspect_at": before.suspect_at}
        | {"findings": before.findings}
    ]


def test_what_ends_after_a_long_idle_time_is_checked_with_the_next_pass(counting: Job) -> None:
    Job.objects.filter(pk=counting.pk).update(checks=["errors == 0"])
    Watermark.objects.create(name=NAME, at=database_now() - 3 * DAY)
    ran(1, 1)

    assert beat_and_worker()


def test_runs_that_failed_are_not_checked(counting: Job) -> None:
    Job.objects.filter(pk=counting.pk).update(checks=["errors == 0"])
    plan_checks(now=database_now())
    execute(sample_jobs.report_failure, "no")

    assert not beat_and_worker()


def test_a_function_of_the_code_is_a_check_by_its_name(counting: Job) -> None:
    Job.objects.filter(pk=counting.pk).update(checks=["@has_an_even_total"])
    plan_checks(now=database_now())
    runs = [ran(2), ran(3), ran(13)]

    beat_and_worker()

    reasons = [Run.objects.get(pk=run.pk).suspect_reason for run in runs]
    assert reasons == [
        "",
        "@has_an_even_total: 3 is odd",
        "@has_an_even_total: it raised ValueError: thirteen",
    ]


def test_only_the_same_weekday_of_the_jobs_zone_is_looked_at(counting: Job) -> None:
    rule = "total >= 0.8 * median(total, last=3, same_weekday=True)"
    Job.objects.filter(pk=counting.pk).update(checks=[rule])
    plan_checks(now=database_now())
    for days_ago in range(1, 22):
        ran(10 if days_ago % 7 == 0 else 1000, days_ago=days_ago)
    today = ran(9)

    beat_and_worker()

    assert Verdict.objects.get(run=today).findings[0]["holds"] is True


def test_after_the_rule_was_mended_a_person_has_the_run_checked_again(
    api: Api,  # noqa: F811
    counting: Job,
) -> None:
    Job.objects.filter(pk=counting.pk).update(checks=["errors == 0"])
    plan_checks(now=database_now())
    run = ran(5, 1)
    beat_and_worker()
    assert api("GET", f"/runs/{run.task_id}").json()["suspectReason"]
    api("PATCH", f"/jobs/{counting.pk}", {"checks": ["errors <= 1"]})

    answer = api("POST", f"/runs/{run.task_id}/recheck", {"reason": "one is usual"})

    assert (answer.status_code, answer.json()["suspectReason"]) == (200, "")
    assert Run.objects.get(pk=run.pk).suspect_reason == ""
    entry = AuditEntry.objects.get(action="recheck")
    assert (entry.before, entry.after) == (
        {"suspect": "errors == 0: errors = 1"},
        {"suspect": ""},
    )
    api("PATCH", f"/jobs/{counting.pk}", {"checks": []})
    refused = api("POST", f"/runs/{run.task_id}/recheck", {})
    assert refused.status_code == 409
    assert "only a success of a job with checks is checked" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        (["errors = 0"], "checks is 'errors = 0': an expression, for example"),
        (["errors == 0", "errors == 0"], "each check once"),
        (["@has_no_such"], "a function that the task declares in checks=[...]: @has_an_even_total"),
        (["__import__('os')"], "names of numbers, numbers,"),
    ],
)
def test_a_bad_rule_is_refused_in_one_sentence_and_changes_nothing(
    api: Api,  # noqa: F811
    counting: Job,
    checks: list[str],
    words: str,
) -> None:
    before = Job.objects.filter(pk=counting.pk).values().get()

    answer = api("PATCH", f"/jobs/{counting.pk}", {"checks": checks})

    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert Job.objects.filter(pk=counting.pk).values().get() == before


def test_a_declaration_with_a_bad_rule_is_refused_at_import() -> None:
    with pytest.raises(ImproperlyConfigured, match="Job 'bad': checks is 'errors = 0'"):
        declare(key="bad", checks=["errors = 0"])(lambda: None)


def test_old_runs_go_with_their_verdicts(counting: Job, now: datetime) -> None:
    Job.objects.filter(pk=counting.pk).update(checks=["errors == 0"])
    plan_checks(now=database_now())
    ran(1, days_ago=50)
    beat_and_worker()
    ends = database_now() - 40 * DAY
    Run.objects.filter(job=counting).update(finished_at=ends)

    list(clean_log(before=database_now() - 30 * DAY, now=database_now()))

    assert not Verdict.objects.exists()


def test_the_command_and_the_pages_show_and_change_the_same(
    scheduler: Callable[..., Any],  # noqa: F811
    operator: Any,  # noqa: F811
    counting: Job,
) -> None:
    added = scheduler("checks", "count", "--add", "errors == 0", "--json")
    assert added.document == {"jobKey": "count", "checks": ["errors == 0"]}
    assert scheduler("checks", "count", "--remove", "total > 0").code == 2
    plan_checks(now=database_now())
    ran(8, days_ago=1)
    run = ran(7, 1)
    beat_and_worker()

    shown = operator.get(f"/scheduler/runs/{run.task_id}/").content.decode()
    assert "errors == 0: errors = 1" in shown
    assert 'aria-label="errors"' in shown
    assert str(run.task_id) in operator.get("/scheduler/runs/?state=suspect").content.decode()
    assert "suspect" in operator.get("/scheduler/").content.decode()
    removed = scheduler("checks", "count", "--remove", "errors == 0", "--add", "errors <= 1")
    assert removed.out == "errors <= 1\n"
    answer = operator.post(f"/scheduler/runs/{run.task_id}/recheck", {"reason": "usual"})
    assert answer.status_code == 302
    assert Run.objects.get(pk=run.pk).suspect_reason == ""
    form = operator.get(f"/scheduler/jobs/{counting.pk}/edit").context["form"]
    sent = {name: v for name in form.fields if (v := form[name].value()) is not None}
    answer = operator.post(
        f"/scheduler/jobs/{counting.pk}/edit", {**sent, "checks": "errors == 0\r\n\r\ntook < 9"}
    )
    counting.refresh_from_db()
    assert (answer.status_code, counting.checks) == (302, ["errors == 0", "took < 9"])
