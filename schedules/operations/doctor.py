"""What is wrong with an installation, what to do about it, and putting back what can be."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, transaction

from schedules.access import Source, record
from schedules.adapters import triggers
from schedules.checks import check_encodings
from schedules.models import Job
from schedules.operations.findings import MOST_LINES, Finding, job_findings, run_findings
from schedules.operations.install import InstallReport, install_declared
from schedules.operations.status import scheduler_status
from schedules.operations.switch import current_pause
from schedules.registry import all_declared

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was put back."""

    triggers: list[str]
    jobs: InstallReport


def examine(*, now: datetime) -> list[Finding]:
    """Return what is wrong, the gravest first; an empty list if nothing is."""
    return [
        *wrong_encoding(),
        *_missing_triggers(),
        *_silence(now),
        *_missing_jobs(),
        *job_findings(Job.objects.all(), now=now),
        *_without_next_run(),
        *run_findings(now=now),
        *_lonely_settings(),
    ]


@transaction.atomic
def recover(
    *, now: datetime, by: "AbstractBaseUser | AnonymousUser | str", source: Source
) -> Recovery:
    """Put back missing triggers and the rows of declared jobs. Safe to repeat.

    What a person deleted, disabled or paused stays so, and is one of `examine`'s findings.
    """
    missing = triggers.missing()
    if missing:
        triggers.create()
    jobs = install_declared(now=now)
    if missing or jobs.created or jobs.updated or jobs.disabled:
        after = {"triggers": missing, "created": jobs.created, "updated": jobs.updated}
        record("recover", subject="scheduler", actor=by, source=source, now=now, after=after)
    return Recovery(triggers=missing, jobs=jobs)


def wrong_encoding() -> list[Finding]:
    """Return the finding about a database in which not every text has room."""
    return [
        Finding(check="encoding", found=wrong.msg.rstrip("."), remedy="use one encoded in UTF8")
        for wrong in check_encodings(databases=[DEFAULT_DB_ALIAS])
    ]


def _missing_triggers() -> list[Finding]:
    missing = triggers.missing()
    if not missing:
        return []
    return [
        Finding(
            check="triggers",
            found=f"missing: {', '.join(missing)}; edits of timetables go unnoticed",
            remedy="run `manage.py scheduler recover`",
        )
    ]


def _silence(now: datetime) -> list[Finding]:
    status = scheduler_status(now=now)
    findings = []
    if not status.is_running:
        findings.append(
            Finding(check="beat", found="no Beat is alive", remedy="start one: celery beat")
        )
    if not any(i.kind == "worker" and i.pk in status.alive for i in status.instances):
        findings.append(
            Finding(check="worker", found="no worker is alive", remedy="start one: celery worker")
        )
    pause = current_pause()
    if pause is not None:
        findings.append(
            Finding(
                check="pause",
                found=f"everything is paused by {pause.by} since {pause.started_at:%FT%TZ}",
                remedy="run `manage.py scheduler resume-all`",
            )
        )
    return findings


def _missing_jobs() -> list[Finding]:
    declared = {d.key for d in all_declared() if d.timetable is not None}
    missing = sorted(declared - set(Job.objects.values_list("key", flat=True)))
    if not missing:
        return []
    return [
        Finding(
            check="jobs",
            found=f"declared and not installed: {', '.join(missing)}",
            remedy="run `manage.py scheduler recover`",
        )
    ]


def _without_next_run() -> list[Finding]:
    return [
        Finding(
            check="no_next_run",
            found=f"{job.key} is enabled, and never runs again",
            remedy="change or disable it",
        )
        for job in Job.objects.silent().order_by("key")[:MOST_LINES]
    ]


def _lonely_settings() -> list[Finding]:
    """Names that one of the replaced systems took its database from; here they do nothing."""
    lonely = [
        name
        for name in ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY")
        if os.environ.get(name) and not os.environ.get("DATABASE_URL")
    ]
    if not lonely:
        return []
    return [
        Finding(
            check="settings",
            found=f"{' and '.join(lonely)} without DATABASE_URL: the database is not Supabase's",
            remedy="put the project's PostgreSQL connection string into DATABASE_URL",
        )
    ]
