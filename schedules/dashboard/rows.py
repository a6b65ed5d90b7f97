"""Rows of the tables, made ready to print: the templates decide nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schedules.models import Instance, Run
from schedules.operations.conditions import condition
from schedules.operations.instances import life_of
from schedules.operations.listing import JobRow
from schedules.operations.wording import (
    Mark,
    duration,
    iso_seconds,
    mark_of,
    relative,
    timetable_words,
)

LONGEST_REMARK = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant for `<time>`: for machines, for people, and how far away."""

    iso: str
    shown: str
    far: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job in the table of jobs."""

    number: int
    key: str
    name: str
    mark: Mark
    timetable: str
    next_run: Moment | None
    last_mark: Mark | None
    last_run: Moment | None
    took: str
    remark: str
    is_primary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in the table of runs, or a parked one-off."""

    number: int
    what: str
    task: str
    mark: Mark
    count: int
    scheduled: Moment
    took: str
    attempt: int
    origin: str
    host: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """A Beat or a worker."""

    kind: str
    name: str
    mark: Mark
    heartbeat: Moment
    started: Moment
    host: str
    pid: int


def job_lines(rows: Iterable[JobRow], *, now: datetime) -> list[JobLine]:
    """Return the jobs ready to print."""
    return [_job_line(row, now) for row in rows]


def run_lines(runs: Iterable[Run], *, hosts: Mapping[UUID, str], now: datetime) -> list[RunLine]:
    """Return the runs ready to print. `hosts` as `hosts_of` gives them."""
    return [
        RunLine(
            number=run.pk,
            what=run.job_key or run.natural_key or run.task,
            task=run.task,
            mark=mark_of(run.state),
            count=run.count,
            scheduled=_moment(run.scheduled_at, now),
            took=_took(run),
            attempt=run.attempt,
            origin=run.origin,
            host=hosts.get(run.instance_id, "") if run.instance_id else "",
            remark=_remark(run),
        )
        for run in runs
    ]


def instance_lines(instances: Iterable[Instance], *, now: datetime) -> list[InstanceLine]:
    """Return Beats and workers ready to print."""
    return [
        InstanceLine(
            kind=instance.get_kind_display(),
            name=instance.name,
            mark=mark_of(life_of(instance, now=now)),
            heartbeat=_moment(instance.heartbeat_at, now),
            started=_moment(instance.started_at, now),
            host=instance.host,
            pid=instance.pid,
        )
        for instance in instances
    ]


def _job_line(row: JobRow, now: datetime) -> JobLine:
    job, last = row
    ended = (last.finished_at or last.scheduled_at) if last else None
    return JobLine(
        number=job.pk,
        key=job.key,
        name=str(job),
        mark=mark_of(condition(job, last=last.state if last else None, now=now)),
        timetable=timetable_words(job),
        next_run=_moment(job.next_run_at, now) if job.next_run_at else None,
        last_mark=mark_of(last.state) if last else None,
        last_run=_moment(ended, now) if ended else None,
        took=_took(last) if last else "",
        remark=_cut(job.invalid_reason or job.flagged_reason or job.pause_reason),
        is_primary=job.is_primary,
    )


def _moment(instant: datetime, now: datetime) -> Moment:
    text = iso_seconds(instant)
    shown = text.replace("T", " ").removesuffix("Z")
    return Moment(iso=text, shown=f"{shown} UTC", far=relative(instant, now=now))


def _took(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return duration(run.finished_at - run.started_at)


def _remark(run: Run) -> str:
    """Return why it ended as it did. What a body returned or raised is no part of this page."""
    return _cut(run.reason)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_REMARK else f"{text[: LONGEST_REMARK - 1]}…"
