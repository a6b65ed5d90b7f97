"""What a person should look at now, the gravest first; each with the verb that helps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from schedules.models import Job, Run, Verdict
from schedules.operations.conditions import BAD, LATE_AFTER, Condition, condition
from schedules.operations.listing import JobRow, list_jobs
from schedules.querysets.newest import jobs_last_seen_in

LOOKED_BACK = timedelta(days=7)
MOST_OF_EACH = 20
MOST_SEEN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """A job that needs a person, why, and since when as far as that is known."""

    job: Job
    condition: Condition
    detail: str
    since: datetime | None
    last: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What waits for a worker although it is due."""

    waiting: int
    is_cut: bool
    oldest_due_at: datetime | None

    def is_stuck(self, *, now: datetime) -> bool:
        """Whether the oldest has waited longer than any healthy worker would let it."""
        return self.oldest_due_at is not None and self.oldest_due_at < now - STUCK_AFTER


STUCK_AFTER = timedelta(minutes=2)
MOST_WAITING = 10_000


def concerns(*, now: datetime) -> list[Concern]:
    """Return jobs that are invalid, flagged, late, failing or suspect; at most twenty of each."""
    found = [
        Concern(
            job=job,
            condition=Condition.INVALID,
            detail=job.invalid_reason or job.flagged_reason,
            since=None,
        )
        for job in _enabled(~Q(invalid_reason="") | ~Q(flagged_reason=""))
    ]
    seen = {concern.job.pk for concern in found}
    for job in _enabled(Q(next_due_at__lt=now - LATE_AFTER)):
        if job.pk not in seen:
            found.append(
                Concern(job=job, condition=Condition.LATE, detail="", since=job.next_due_at)
            )
            seen.add(job.pk)
    found += [each for each in _failing(now) if each.job.pk not in seen]
    seen |= {each.job.pk for each in found}
    return [*found, *(each for each in _suspect(now) if each.job.pk not in seen)]


def outbox(*, now: datetime) -> Outbox:
    """Return what is due and waits for a worker, counted up to a limit. Two statements."""
    due = Run.objects.waiting().filter(due_at__lte=now).order_by()
    oldest = due.order_by("due_at").values_list("due_at", flat=True).first()
    waiting = 0 if oldest is None else due[: MOST_WAITING + 1].count()
    return Outbox(
        waiting=min(waiting, MOST_WAITING), is_cut=waiting > MOST_WAITING, oldest_due_at=oldest
    )


def overdue_runs(*, now: datetime) -> list[Run]:
    """Return the runs that have waited for a worker for too long, the longest waiting first."""
    waiting = Run.objects.waiting().filter(due_at__lt=now - STUCK_AFTER)
    return list(waiting.select_related("job").order_by("due_at", "id")[:MOST_OF_EACH])


def paused_jobs(*, now: datetime) -> list[Job]:
    """Return the enabled jobs whose pause lasts, those that end first before those that do not."""
    lasting = Q(paused_until__isnull=True) | Q(paused_until__gt=now)
    jobs = Job.objects.enabled().filter(lasting, paused_at__isnull=False)
    first_ends = F("paused_until").asc(nulls_last=True)
    return list(jobs.select_related("task_function").order_by(first_ends, "key")[:MOST_OF_EACH])


def _enabled(which: Q) -> list[Job]:
    jobs = Job.objects.enabled().select_related("task_function").filter(which)
    return list(jobs.order_by("key")[:MOST_OF_EACH])


def failing_jobs(*, now: datetime) -> list[JobRow]:
    """Return enabled jobs whose latest outcome is a bad one that nobody has dismissed, the newest
    first. Sees those among the newest bad runs of a week. Three statements.
    """
    candidates = jobs_last_seen_in(
        sorted(BAD), since=now - LOOKED_BACK, until=now, number=MOST_SEEN
    )
    rows = list_jobs(
        Job.objects.enabled().select_related("task_function").filter(pk__in=candidates)
    )
    failing = [row for row in rows if _still_fails(row, now)]
    failing.sort(key=lambda row: row.last.scheduled_at if row.last else now, reverse=True)
    return failing


def _failing(now: datetime) -> list[Concern]:
    return [
        Concern(
            job=job,
            condition=Condition.FAILING,
            detail=last.reason,
            since=last.finished_at,
            last=last,
        )
        for job, last in failing_jobs(now=now)[:MOST_OF_EACH]
        if last is not None
    ]


def _suspect(now: datetime) -> list[Concern]:
    """Enabled jobs whose latest run succeeded, is suspect, and was not dismissed."""
    verdicts = Verdict.objects.filter(suspect_at__gte=now - LOOKED_BACK).order_by("-suspect_at")
    seen = set(verdicts.values_list("run__job", flat=True)[:MOST_SEEN])
    if not seen:
        return []
    jobs = Job.objects.enabled().select_related("task_function").filter(pk__in=seen)
    return [
        Concern(
            job=job,
            condition=Condition.SUSPECT,
            detail=last.suspect_reason,
            since=last.finished_at,
            last=last,
        )
        for job, last in list_jobs(jobs)
        if last is not None and last.suspect_reason and last.dismissed_at is None
    ][:MOST_OF_EACH]


def _still_fails(row: JobRow, now: datetime) -> bool:
    job, last = row
    if last is None or last.dismissed_at is not None:
        return False
    return condition(job, last=last.state, now=now) is Condition.FAILING
