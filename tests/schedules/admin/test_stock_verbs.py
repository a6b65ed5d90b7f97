"""django-celery-beat's pages use the scheduler's verbs: its rights, its trace, its triggers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from schedules.dispatch import absorb_edits
from schedules.models import AuditEntry, Job, Run
from schedules.operations.create import create_job
from schedules.operations.install import install_declared, install_functions
from schedules.querysets.clock import database_now
from schedules.registry import declared_as
from schedules.states import Origin, RunState

pytestmark = pytest.mark.django_db

TASKS = "periodictask"


def address(model: str, page: str, *arguments: object) -> str:
    return reverse(f"admin:django_celery_beat_{model}_{page}", args=arguments)


def act(browser: Client, action: str, *tasks: PeriodicTask, **more: str) -> Any:
    ids = [task.pk for task in tasks]
    values = {"action": action, "_selected_action": ids, **more}
    return browser.post(address(TASKS, "changelist"), values, follow=True)


@pytest.fixture
def job(db: None) -> Job:
    """An operator's job with a queue, a priority and arguments of its own."""
    values = {
        "key": "mine",
        "cron_expression": "0 5 * * *",
        "args": [1],
        "kwargs": {"y": 2},
        "queue": "slow",
        "priority": 7,
    }
    install_functions([declared_as("sample_jobs.add")])
    made = create_job("sample_jobs.add", values=values, by="ana", source="code", now=database_now())
    AuditEntry.objects.all().delete()
    return made


@pytest.fixture
def daily(job: Job) -> Job:
    """One that code declares, beside it."""
    install_declared(now=database_now())
    AuditEntry.objects.all().delete()
    return Job.objects.get(key="daily")


def form_of(job: Job, **changes: object) -> dict[str, object]:
    """What the browser sends when nothing but `changes` was changed."""
    task = job.periodic_task
    assert task is not None
    policy = {
        "job-TOTAL_FORMS": "1",
        "job-INITIAL_FORMS": "1",
        "job-0-id": job.pk,
        "job-0-periodic_task": task.pk,
        "job-0-priority": job.priority,
        "job-0-max_instances": job.max_instances,
        "job-0-overlap": job.overlap,
        "job-0-misfire_grace": "00:01:00",
        "job-0-coalesce": "on",
        "job-0-jitter": "00:00:00",
        "job-0-max_retries": job.max_retries,
        "job-0-retry_delay": "00:01:00",
        "job-0-on_lost": job.on_lost,
    }
    return {
        "name": task.name,
        "task": task.task,
        "enabled": "on",
        "crontab": task.crontab_id,
        "args": task.args,
        "kwargs": task.kwargs,
        "queue": task.queue,
        "description": "",
        **policy,
        **changes,
    }


def test_a_check_that_cannot_be_is_refused_in_the_policy(root: Client, job: Job) -> None:
    task = job.periodic_task
    assert task is not None

    sent = form_of(job, **{"job-0-checks": '["total =="]'})
    page = root.post(address(TASKS, "change", task.pk), sent)

    assert page.status_code == 200
    assert "checks is &#x27;total ==&#x27;: " in page.content.decode()
    assert not AuditEntry.objects.exists()


def test_the_run_action_is_a_trigger_with_all_that_the_job_says(root: Client, job: Job) -> None:
    page = act(root, "run_tasks", job.periodic_task)

    run = Run.objects.get()
    assert (run.job, run.origin, run.requested_by) == (job, Origin.OPERATOR, "root")
    assert (run.args, run.kwargs, run.queue, run.priority) == ([1], {"y": 2}, "slow", 7)
    assert str(run.task_id) in page.content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.source) == ("trigger", "job:mine", "admin")


def test_a_refused_trigger_says_why_and_the_others_go_on(root: Client, job: Job) -> None:
    act(root, "disable_tasks", job.periodic_task)
    other = create_job(
        "sample_jobs.add",
        values={"key": "other", "cron_expression": "0 5 * * *", "args": [1]},
        by="ana",
        source="code",
        now=database_now(),
    )

    page = act(root, "run_tasks", job.periodic_task, other.periodic_task)

    assert "is disabled, so it cannot be triggered" in page.content.decode()
    assert Run.objects.get().job == other


@pytest.mark.parametrize(
    ("action", "is_enabled"), [("disable_tasks", False), ("toggle_tasks", False)]
)
def test_switching_counts_at_once_and_leaves_one_entry(
    root: Client, job: Job, action: str, is_enabled: bool
) -> None:
    act(root, action, job.periodic_task)

    job.refresh_from_db()
    assert job.is_enabled is is_enabled
    assert [entry.action for entry in AuditEntry.objects.all()] == ["disable"]
    act(root, "enable_tasks", job.periodic_task)
    job.refresh_from_db()
    assert job.is_enabled
    assert AuditEntry.objects.count() == 2


def test_the_policy_below_is_edited_as_on_the_jobs_own_page(root: Client, job: Job) -> None:
    task = job.periodic_task
    assert task is not None
    Job.objects.filter(pk=job.pk).update(next_run_at=None)  # as another process may have

    answer = root.post(address(TASKS, "change", task.pk), form_of(job, **{"job-0-priority": 9}))

    assert answer.status_code == 302, answer.context["errors"]
    job.refresh_from_db()
    assert job.priority == 9
    assert job.next_run_at is None, "the form has written back what it had read before"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before, entry.after) == ("edit", {"priority": 7}, {"priority": 9})


def test_an_edit_of_the_timetable_leaves_one_entry(root: Client, job: Job) -> None:
    task = job.periodic_task
    assert task is not None
    six = CrontabSchedule.objects.create(minute="0", hour="6")

    answer = root.post(address(TASKS, "change", task.pk), form_of(job, crontab=six.pk))

    assert answer.status_code == 302, answer.context["errors"]
    entry = AuditEntry.objects.get()
    assert (entry.subject, entry.actor, entry.source) == ("job:mine", "root", "admin")
    assert (entry.before, entry.after) == (
        {"crontab_id": task.crontab_id},
        {"crontab_id": six.pk},
    )


def test_a_row_and_its_policy_saved_together_leave_one_entry(root: Client, job: Job) -> None:
    task: Any = job.periodic_task
    changes = {"job-0-priority": 9, "args": "[5]"}

    answer = root.post(address(TASKS, "change", task.pk), form_of(job, **changes))

    assert answer.status_code == 302, answer.context["errors"]
    entry = AuditEntry.objects.get()
    assert entry.before == {"args": "[1]", "priority": 7}
    assert entry.after == {"args": "[5]", "priority": 9}


def test_the_queue_is_shown_and_not_edited(root: Client, job: Job) -> None:
    task: Any = job.periodic_task
    page = address(TASKS, "change", task.pk)

    answer = root.post(page, form_of(job, queue="admin-only"))

    assert answer.status_code == 302, answer.context["errors"]
    task.refresh_from_db()
    assert task.queue == "slow"
    assert not AuditEntry.objects.exists()
    assert 'name="queue"' not in root.get(page).content.decode()


def test_nothing_changed_leaves_no_entry(root: Client, job: Job) -> None:
    task = job.periodic_task
    assert task is not None

    answer = root.post(address(TASKS, "change", task.pk), form_of(job))

    assert answer.status_code == 302, answer.context["errors"]
    assert not AuditEntry.objects.exists()


def test_a_declared_job_deleted_by_a_person_stays_deleted(root: Client, daily: Job) -> None:
    task = daily.periodic_task
    assert task is not None

    root.post(address(TASKS, "delete", task.pk), {"post": "yes"})

    daily.refresh_from_db()
    assert not daily.is_active
    assert not PeriodicTask.objects.filter(pk=task.pk).exists()
    assert AuditEntry.objects.get().action == "delete"
    absorb_edits(now=database_now())
    install_declared(now=database_now())
    daily.refresh_from_db()
    assert not daily.is_active, "a person's deletion was taken back"


def test_a_critical_job_is_not_deleted(root: Client, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(is_primary=True)
    task = job.periodic_task
    assert task is not None

    assert root.post(address(TASKS, "delete", task.pk), {"post": "yes"}).status_code == 403
    assert act(root, "delete_selected", task, post="yes").status_code == 403
    assert PeriodicTask.objects.filter(pk=task.pk).exists()


def test_the_list_shows_next_run_last_outcome_and_owner(
    root: Client, job: Job, daily: Job, make_run: Callable[..., Run]
) -> None:
    now = database_now()
    make_run(job=job, state=RunState.FAILED, finished_at=now, scheduled_at=now)

    page = root.get(address(TASKS, "changelist")).content.decode()

    assert "T05:00:00Z" in page
    assert "failed" in page
    assert "declared in code" in page


def test_the_list_takes_the_same_statements_for_any_number_of_rows(
    root: Client, job: Job, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        create_job(
            "sample_jobs.add",
            values={"key": f"job-{number}", "interval_minutes": 5, "args": [1]},
            by="ana",
            source="code",
            now=database_now(),
        )

    with django_assert_max_num_queries(12):
        root.get(address(TASKS, "changelist"))


def test_the_form_says_what_code_owns_and_what_the_crontab_cannot_say(
    root: Client, job: Job, daily: Job
) -> None:
    special = create_job(
        "sample_jobs.add",
        values={"key": "last-day", "cron_expression": "0 5 L * *", "args": [1]},
        by="ana",
        source="code",
        now=database_now(),
    ).periodic_task
    assert special is not None

    def page(pk: int | None) -> str:
        return root.get(address(TASKS, "change", pk)).content.decode()

    assert "Declared in code" in page(daily.periodic_task_id)
    assert "0 5 L * * UTC" in page(special.pk)


def test_a_shared_schedule_says_who_uses_it_and_traces_its_edits(root: Client, job: Job) -> None:
    task = job.periodic_task
    assert task is not None
    crontab = task.crontab

    page = root.get(address("crontabschedule", "change", crontab.pk)).content.decode()
    assert address(TASKS, "change", task.pk) in page
    values = {
        "minute": "30",
        "hour": "5",
        "day_of_month": "*",
        "month_of_year": "*",
        "day_of_week": "*",
        "timezone": "UTC",
    }
    root.post(address("crontabschedule", "change", crontab.pk), values)

    entry = AuditEntry.objects.get()
    assert entry.subject == f"crontabschedule:{crontab.pk}"
    assert (entry.before, entry.after) == ({"minute": "0"}, {"minute": "30"})


@pytest.mark.parametrize("field", ["crontab", "interval", "clocked", "solar"])
def test_schedules_are_chosen_by_typing(root: Client, job: Job, field: str) -> None:
    IntervalSchedule.objects.create(every=5, period="minutes")
    query = {
        "app_label": "django_celery_beat",
        "model_name": "periodictask",
        "field_name": field,
        "term": "5",
    }

    answer = root.get("/admin/autocomplete/", query)

    assert answer.status_code == 200
    assert bool(answer.json()["results"]) is (field in ("crontab", "interval"))


def test_who_may_only_look_is_offered_no_action_and_no_change(
    staff: Callable[..., Client], job: Job
) -> None:
    browser = staff("view_scheduler")
    task = job.periodic_task
    assert task is not None

    assert browser.get(address(TASKS, "changelist")).status_code == 200
    assert browser.get(address(TASKS, "change", task.pk)).status_code == 200
    for action in ("run_tasks", "enable_tasks", "disable_tasks", "toggle_tasks", "delete_selected"):
        act(browser, action, task, post="yes")
    assert browser.post(address(TASKS, "change", task.pk), form_of(job)).status_code == 403
    assert browser.post(address(TASKS, "delete", task.pk), {"post": "yes"}).status_code == 403
    assert browser.post(address("crontabschedule", "add"), {}).status_code == 403
    assert not AuditEntry.objects.exists()
    assert not Run.objects.exists()


def test_who_may_operate_triggers_and_changes_nothing(
    staff: Callable[..., Client], job: Job
) -> None:
    browser = staff("view_scheduler", "operate_scheduler")

    act(browser, "run_tasks", job.periodic_task)
    act(browser, "delete_selected", job.periodic_task, post="yes")

    assert Run.objects.count() == 1
    assert [entry.action for entry in AuditEntry.objects.all()] == ["trigger"]


def test_a_manager_of_the_scheduler_needs_no_permission_of_other_apps(
    staff: Callable[..., Client], job: Job
) -> None:
    browser = staff("view_scheduler", "operate_scheduler", "manage_scheduler")
    task = job.periodic_task
    assert task is not None

    answer = browser.post(address(TASKS, "change", task.pk), form_of(job, description="five"))

    assert answer.status_code == 302
    assert PeriodicTask.objects.get(pk=task.pk).description == "five"
