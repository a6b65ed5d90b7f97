"""The addresses of the dashboard for the tests, and reading them."""

from django.test import Client

from schedules.models import Job, Run


def addresses(job: Job, run: Run) -> list[str]:
    here, there = f"/scheduler/jobs/{job.pk}/", f"/scheduler/runs/{run.task_id}/"
    tabs = (
        "calendar",
        "charts",
        "next",
        "backfills",
        "dependencies",
        "alerts",
        "definition",
        "changes",
    )
    return [
        "/scheduler/",
        "/scheduler/jobs/",
        here,
        *(f"{here}?tab={tab}" for tab in (*tabs, "changes")),
        "/scheduler/runs/",
        "/scheduler/runs/failures",
        there,
        "/scheduler/timeline/",
        "/scheduler/missed/",
        "/scheduler/one-offs/",
        "/scheduler/calendars/",
        "/scheduler/timetables/",
        "/scheduler/workers/",
        "/scheduler/alerts/",
        "/scheduler/audit/",
    ]


def questions(job: Job, run: Run) -> list[str]:
    return [
        *(f"/scheduler/jobs/{job.pk}/{verb}" for verb in ("run", "pause", "resume", "disable")),
        f"/scheduler/jobs/{job.pk}/delete",
        f"/scheduler/jobs/{job.pk}/backfill",
        f"/scheduler/jobs/{job.pk}/edit",
        f"/scheduler/jobs/{job.pk}/depend",
        "/scheduler/jobs/new",
        "/scheduler/jobs/new?task=add",
        "/scheduler/calendars/new",
        "/scheduler/alerts/rules/new",
        f"/scheduler/alerts/rules/new?job={job.pk}",
        "/scheduler/alerts/channels/new",
        "/scheduler/pause",
        "/scheduler/resume",
        *(f"/scheduler/runs/{run.task_id}/{verb}" for verb in ("retry", "cancel", "move")),
    ]


def text_of(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return str(response.content.decode())
