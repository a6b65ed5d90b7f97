"""A house rule: whichever declared job is run a second time for the same instant, nothing changes.

So a run that is repeated after a crash, by hand or by a backfill does no harm.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import mail

from project.demo import load_demo
from schedules.models import AuditEntry, Job, Run
from schedules.operations.install import install_declared
from schedules.public import database_now
from schedules.registry import Declaration, all_declared
from schedules.testing import execute
from tasks.attendance.models import PunchLog
from tasks.meetings.models import Meeting
from tasks.meetings.scheduling import cancel_meeting_status_update

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 6, 12, tzinfo=UTC)  # a Monday

DECLARED = [d for d in all_declared() if d.function.__module__.startswith("tasks.")]


def everything() -> dict[str, list[Any]]:
    """All rows of the business, the jobs, the repairs and the mails."""
    models = [
        model
        for config in apps.get_app_configs()
        if config.name.startswith("tasks.")
        for model in config.get_models()
    ]
    rows: dict[str, list[Any]] = {
        model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models
    }
    rows["jobs"] = list(Job.objects.order_by("pk").values())
    rows["repairs"] = list(AuditEntry.objects.order_by("pk").values())
    rows["waiting"] = list(Run.objects.waiting().order_by("pk").values())
    rows["mails"] = [{"to": each.to, "subject": each.subject} for each in mail.outbox]
    return rows


def arguments(declaration: Declaration) -> list[Any]:
    if declaration.task == "meetings.end_meeting":
        return [Meeting.objects.order_by("end_time").values_list("pk", flat=True)[0]]
    return []


@pytest.mark.parametrize("declaration", DECLARED, ids=[d.key for d in DECLARED])
def test_a_second_run_changes_nothing(
    declaration: Declaration, settings: Any, tmp_path: Path
) -> None:
    settings.HR_RECIPIENTS = [("hr@example.com", "en")]
    settings.MANAGEMENT_COMMANDS, settings.BASE_DIR = {"nothing": ["nothing"]}, tmp_path
    (tmp_path / "manage.py").touch()
    install_declared(now=database_now())
    load_demo(now=NOW - timedelta(hours=1), employees=8)
    PunchLog.objects.create(employee_code="E0001", at=NOW - timedelta(minutes=5), direction="in")
    cancel_meeting_status_update(Meeting.objects.order_by("end_time")[1].pk)
    Job.objects.filter(key="recover_meetings").update(next_run_at=None)
    task = declaration.function.__globals__[declaration.function.__name__]

    first = execute(task, *arguments(declaration), scheduled_at=NOW)
    between = everything()
    second = execute(task, *arguments(declaration), scheduled_at=NOW)

    assert {first.state, second.state} == {"succeeded"}, first.error or second.error
    assert everything() == between


def test_every_job_has_its_names_and_descriptions_in_three_languages() -> None:
    for declaration in DECLARED:
        assert all(declaration.names[language] for language in ("en", "ar", "id")), declaration.key
        assert all(declaration.descriptions[language] for language in ("en", "ar", "id"))


@pytest.mark.parametrize(
    ("key", "timetable", "zone", "enabled"),
    [
        ("auto_create_daily_attendance", "30 0 * * *", "Asia/Jakarta", True),
        ("calculate_absentees", "0 20 * * *", "Asia/Jakarta", True),
        ("check_memberships", "0 0 * * *", "UTC", False),
        ("clean_execution_log", "0 2 1 * *", "UTC", True),
        ("email_attendance_summary", "0 18 * * *", "Asia/Jakarta", False),
        ("email_weekly_report", "0 8 * * 1", "Asia/Jakarta", False),
        ("expire_leave_requests", "0 1 * * *", "Asia/Jakarta", False),
        ("generate_upcoming_game_sessions", "0 5 * * *", "Australia/Sydney", True),
        ("monitor_jobs", "*/5 * * * *", "UTC", True),
        ("remind_birthdays", "0 9 * * *", "Asia/Jakarta", False),
        ("run_management_commands", "* * * * *", "UTC", False),
        ("sync_attendance_logs", "* * * * *", "UTC", True),
    ],
)
def test_the_timetables_as_shipped(key: str, timetable: str, zone: str, enabled: bool) -> None:
    (declaration,) = [d for d in DECLARED if d.key == key]

    assert getattr(declaration.timetable, "expression", None) == timetable
    assert str(getattr(declaration.timetable, "tz", None)) == zone
    assert declaration.enabled == enabled
