"""Timetables as code in the browser: downloaded, looked at, applied as they were shown."""

import re

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from schedules.dashboard.actions.as_code import FileForm
from schedules.models import AuditEntry, Job, TaskFunction
from schedules.operations.as_code.export import export_jobs
from schedules.operations.create import create_job
from schedules.operations.edit import update_job
from schedules.querysets.clock import database_now

pytestmark = pytest.mark.django_db
PAGE = "/scheduler/timetables/"


@pytest.fixture
def hourly() -> Job:
    function = TaskFunction.objects.create(key="add", task="sample_jobs.add", name_en="Add")
    values = {"cron_expression": "0 * * * *", "args": [1], "key": "hourly"}
    return create_job(function, values=values, by="test", source="code", now=database_now())


def edited(**fields: object) -> str:
    document = yaml.safe_load(export_jobs())
    document["jobs"]["hourly"].update(fields)
    return str(yaml.safe_dump(document))


def planned(client: Client, text: str, **more: object) -> tuple[str, str]:
    """The page with the plan, and the fingerprint that its form carries."""
    page = client.post(PAGE, {"text": text, "plan": "yes", **more}).content.decode()
    found = re.search(r'name="planned"[^>]*value="(\w*)"|value="(\w*)"[^>]*name="planned"', page)
    assert found is not None
    return page, found[1] or found[2]


def test_a_file_is_downloaded_looked_at_and_applied(operator: Client, hourly: Job) -> None:
    sent = operator.get(f"{PAGE}jobs.yaml")
    assert sent.headers["Content-Disposition"] == 'attachment; filename="jobs.yaml"'
    assert sent.content.decode() == export_jobs()
    text = edited(cronExpression="30 * * * *", priority=4)
    AuditEntry.objects.all().delete()

    file = SimpleUploadedFile("jobs.yaml", text.encode())
    page, fingerprint = planned(operator, "", file=file)
    hourly.refresh_from_db()
    before = hourly.priority
    applied = operator.post(
        PAGE,
        {"text": text, "planned": fingerprint, "apply": "yes", "reason": "spring"},
        follow=True,
    )

    assert "30 * * * *" in page
    assert "moved: " in page
    assert before == 0
    assert "The file is applied. Jobs changed: 1." in applied.content.decode()
    hourly.refresh_from_db()
    assert hourly.priority == 4
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.source, entry.reason) == (
        "apply",
        "siti",
        "dashboard",
        "spring",
    )


def test_a_plan_shows_instants_on_the_job_s_clock_and_in_the_direction_one_reads(
    operator: Client, hourly: Job
) -> None:
    text = edited(cronExpression="30 9 * * *", timezone="Asia/Tokyo")
    changes = {"cron_expression": "0 9 * * *", "timezone": "Asia/Tokyo"}
    update_job(hourly, changes=changes, by="test", source="code", now=database_now())

    sent = {"text": text, "replace_overrides": "on"}
    page = operator.post(PAGE, sent, headers={"accept-language": "ar"}).content.decode()

    assert '09:00 <span class="zone">Tokyo</span></time> ← <time' in page
    assert '09:30 <span class="zone">Tokyo</span></time>' in page


def test_what_was_not_shown_is_not_applied(operator: Client, hourly: Job) -> None:
    text = edited(priority=4)
    _, fingerprint = planned(operator, text)
    changes = {"max_instances": 2}
    update_job(hourly, changes=changes, by="ada", source="api", now=database_now())

    page = operator.post(PAGE, {"text": text, "planned": fingerprint, "apply": "yes"})

    assert "is not what you were shown" in page.content.decode()
    assert "maxInstances" in page.content.decode(), "the page shows the plan as it is now"
    hourly.refresh_from_db()
    assert hourly.priority == 0


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"text": ""}, "Choose a file, or write its text"),
        ({"text": "version: 1\njobs:\n  hourly: {task: add, hours: 1}\n"}, "line 3"),
        ({"file": SimpleUploadedFile("x.yaml", b"\xff\xfe")}, "a text in UTF-8"),
        ({"file": SimpleUploadedFile("x.yaml", b"#" * 2_000_001)}, "at most 2,000,000 bytes"),
    ],
)
def test_a_wrong_file_is_one_sentence(
    operator: Client, hourly: Job, sent: dict[str, object], words: str
) -> None:
    answer = operator.post(PAGE, {**sent, "apply": "yes", "planned": ""})

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_who_may_only_look_may_look_at_a_file_too(viewer: Client, hourly: Job) -> None:
    page, fingerprint = planned(viewer, edited(priority=4))

    applied = viewer.post(
        PAGE, {"text": edited(priority=4), "planned": fingerprint, "apply": "yes"}
    )

    assert "priority" in page
    assert 'name="apply"' not in page
    assert applied.status_code == 403
    hourly.refresh_from_db()
    assert hourly.priority == 0


def test_who_may_not_see_details_sees_no_arguments_of_jobs(viewer: Client, hourly: Job) -> None:
    Job.objects.filter(pk=hourly.pk).update(args=["secret"])

    page = viewer.post(PAGE, {"text": edited(args=["mine"]), "plan": "yes"}).content.decode()

    assert "secret" not in page
    assert "mine" in page
    assert f"{PAGE}jobs.yaml" not in page
    assert viewer.get(f"{PAGE}jobs.yaml").status_code == 403


def test_a_browser_s_ends_of_lines_do_not_make_a_file_too_long() -> None:
    form = FileForm({"text": "x\r\n" * 900_000})

    assert form.is_valid()
    assert form.whole_text() == "x\n" * 900_000
