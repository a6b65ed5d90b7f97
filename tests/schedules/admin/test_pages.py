"""The scheduler's own pages: who sees what, what can be done, how much it costs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from schedules.access import create_token
from schedules.models import Attempt, AuditEntry, Instance, Job, Run, Token
from schedules.querysets.clock import database_now
from schedules.states import Origin, RunState

Make = Callable[..., Any]
Staff = Callable[..., Client]
pytestmark = pytest.mark.django_db

MODELS = (
    *("job", "run", "attempt", "instance", "taskfunction"),
    *("scheduleversion", "auditentry", "token"),
)


def address(model: str, page: str = "changelist", *arguments: object) -> str:
    return reverse(f"admin:schedules_{model}_{page}", args=arguments)


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_empty_and_full(
    root: Client, beat: Instance, make_job: Make, make_run: Make, model: str, now: datetime
) -> None:
    assert root.get(address(model)).status_code == 200

    run = make_run(job=make_job(), state=RunState.FAILED, finished_at=now, error="disk full")
    Attempt.objects.create(run=run, number=1, outcome=RunState.FAILED, ended_at=now)

    assert root.get(address(model)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nobody_adds_or_deletes_by_hand(root: Client, model: str) -> None:
    assert root.get(address(model, "add")).status_code == 403
    assert "delete_selected" not in text_of(root.get(address(model)))


def test_the_list_of_jobs_says_how_each_stands(
    root: Client, make_job: Make, make_run: Make
) -> None:
    soon = database_now() + timedelta(minutes=5)
    stands: dict[str, dict[str, Any]] = {
        "fine": {"due": soon},
        "halted": {"due": soon, "paused_at": soon - timedelta(hours=1), "paused_by": "siti"},
        "off": {"due": soon, "is_enabled": False},
        "broken": {"due": soon, "invalid_reason": "minute is '61'."},
        "sick": {"due": soon},
        "behind": {"due": soon - timedelta(hours=1)},
    }
    for key, fields in stands.items():
        make_job(key, **fields)
    sick = Job.objects.get(key="sick")
    make_run(job=sick, origin=Origin.TIMETABLE, state=RunState.FAILED, finished_at=soon)

    page = text_of(root.get(address("job")))

    for word in ("ok", "paused", "disabled", "invalid", "failing", "late"):
        assert f"</span> {word}</span>" in page


def test_lists_cost_the_same_however_many(
    root: Client, make_job: Make, make_run: Make, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        job = make_job(f"job{number}")
        make_run(job=job, job_key=job.key, state=RunState.FAILED, finished_at=job.next_run_at)

    for model in ("job", "run"):
        with django_assert_max_num_queries(8):
            assert text_of(root.get(address(model))).count("action-select") >= 30


def test_editing_policy_leaves_a_trace_and_makes_it_the_operators(
    root: Client, make_job: Make
) -> None:
    job = make_job(
        "nightly", declared={"max_instances": 1, "name_en": "Nightly"}, name_en="Nightly"
    )
    form = root.get(address("job", "change", job.pk)).context["adminform"].form
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    values |= {"dependencies-TOTAL_FORMS": 0, "dependencies-INITIAL_FORMS": 0}

    response = root.post(address("job", "change", job.pk), {**values, "max_instances": 3})

    assert response.status_code == 302
    job.refresh_from_db()
    assert (job.max_instances, job.overridden) == (3, ["max_instances"])
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == ("root", "edit", "job:nightly")
    assert (entry.before, entry.after) == ({"max_instances": 1}, {"max_instances": 3})


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("jitter", "-1", "jitter is &#x27;-1 day, 23:59:59&#x27;: zero or a length of time."),
        ("time_limit", "0", "time_limit is &#x27;0:00:00&#x27;: longer than zero"),
        ("max_instances", "11", "max_instances is &#x27;11&#x27;: a number from 1 to 10."),
        ("soft_time_limit", "999999999 00:00:00", "at most 3660 days"),
        ("misfire_grace", "3661 00:00:00", "at most 3660 days"),
        ("checks", '["total =="]', "checks is &#x27;total ==&#x27;: "),
        ("checks", '"total == 1"', "checks is &#x27;total == 1&#x27;: a list of texts."),
        ("checks", "5", "checks is &#x27;5&#x27;: a list of texts."),
        ("checks", "[[1]]", "checks is &#x27;[[1]]&#x27;: a list of texts."),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    root: Client, make_job: Make, field: str, value: str, sentence: str
) -> None:
    job = make_job()
    form = root.get(address("job", "change", job.pk)).context["adminform"].form
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    values |= {"dependencies-TOTAL_FORMS": 0, "dependencies-INITIAL_FORMS": 0}

    response = root.post(address("job", "change", job.pk), {**values, field: value})

    assert response.status_code == 200
    assert sentence in text_of(response)
    assert not AuditEntry.objects.exists()


def test_viewing_is_not_changing(staff: Staff, make_job: Make, make_run: Make) -> None:
    job, viewer = make_job(), staff("view_scheduler")
    make_run(job=job)

    assert viewer.get(address("job")).status_code == 200
    assert "trigger_now" not in text_of(viewer.get(address("job")))
    assert viewer.post(address("job", "change", job.pk), {"priority": 9}).status_code == 403
    assert viewer.get(address("token")).status_code == 403
    assert viewer.get(address("auditentry")).status_code == 403
    assert staff().get(address("job")).status_code == 403
    assert Client().get(address("job")).status_code == 302


def test_what_went_in_and_came_out_has_its_own_permission(
    staff: Staff, make_run: Make, now: datetime
) -> None:
    ended = {"state": RunState.LOST, "finished_at": now, "error": "canary"}
    run = make_run("sample_jobs.add", 4711, **ended)
    page = address("run", "change", run.pk)

    shut = text_of(staff("view_scheduler").get(page))
    opened = text_of(staff("view_scheduler", "view_run_details").get(page))

    assert "canary" not in shut
    assert "4711" not in shut
    assert "canary" in opened
    assert "4711" in opened


def test_triggering_asks_for_its_permission(staff: Staff, make_job: Make) -> None:
    job = make_job("nightly")
    order = {"action": "trigger_now", "_selected_action": [job.pk]}

    staff("view_scheduler").post(address("job"), order)
    assert not Run.objects.exists()

    response = staff("operate_scheduler").post(address("job"), order, follow=True)
    run = Run.objects.get()
    assert (run.job, run.origin) == (job, Origin.OPERATOR)
    assert str(run.task_id) in text_of(response)
    assert AuditEntry.objects.get().source == "admin"


def test_a_refused_trigger_says_why(root: Client, make_job: Make) -> None:
    job = make_job("nightly", is_enabled=False)

    response = root.post(
        address("job"), {"action": "trigger_now", "_selected_action": [job.pk]}, follow=True
    )

    assert "is disabled, so it cannot be triggered" in text_of(response)


def test_cancelling_ends_what_waits_and_names_what_does_not(
    root: Client, make_run: Make, now: datetime
) -> None:
    waiting = make_run(natural_key="a")
    over = make_run(state=RunState.SUCCEEDED, finished_at=now)
    order = {"action": "cancel_selected", "_selected_action": [waiting.pk, over.pk]}

    page = text_of(root.post(address("run"), order, follow=True))

    waiting.refresh_from_db()
    assert waiting.state == RunState.CANCELLED
    assert "root" in waiting.reason
    assert "1 cancelled." in page
    assert "1 already finished." in page
    assert AuditEntry.objects.get().subject == f"run:{waiting.task_id}"


def test_runs_are_found_by_equality(root: Client, make_job: Make, make_run: Make) -> None:
    job = make_job("nightly")
    of_job = make_run(job=job, job_key="nightly")
    one_off = make_run(natural_key="meetings.end_meeting:17")

    def found(term: str) -> set[object]:
        results = root.get(address("run"), {"q": term}).context["cl"].result_list
        return {run.pk for run in results}

    assert found(str(of_job.task_id)) == {of_job.pk}
    assert found("nightly") == {of_job.pk}
    assert found("meetings.end_meeting:17") == {one_off.pk}
    assert found(str(uuid4())) == set()
    page = root.get(address("run"), {"job": str(job.pk)})
    assert {run.pk for run in page.context["cl"].result_list} == {of_job.pk}


def test_no_page_shows_a_tokens_hash(root: Client, now: datetime) -> None:
    user = root.get(address("token")).wsgi_request.user
    token, raw = create_token(user, now=now, name="export")  # type: ignore[arg-type]

    pages = text_of(root.get(address("token"))) + text_of(
        root.get(address("token", "change", token.pk))
    )

    assert "export" in pages
    assert Token.objects.get().digest not in pages
    assert raw not in pages


def test_revoking_is_traced(root: Client, now: datetime) -> None:
    user = root.get(address("token")).wsgi_request.user
    token, _ = create_token(user, now=now)  # type: ignore[arg-type]

    root.post(address("token"), {"action": "revoke", "_selected_action": [token.pk]})

    assert Token.objects.get().revoked_at is not None
    assert AuditEntry.objects.get().subject == f"token:{token.pk}"


def test_an_instance_that_fell_silent_is_shown_dead(root: Client, beat: Instance) -> None:
    assert "</span> running</span>" in text_of(root.get(address("instance")))

    Instance.objects.update(heartbeat_at=database_now() - timedelta(minutes=1))

    assert "</span> dead</span>" in text_of(root.get(address("instance")))
