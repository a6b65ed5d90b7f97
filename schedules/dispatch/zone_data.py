"""A new release of the time zone data moves occurrences: what another release gave is computed
anew before it is fired.
"""

from datetime import datetime
from functools import cache

from django.db import DatabaseError, InterfaceError, connection, transaction

from schedules.dispatch.aside import put_aside
from schedules.dispatch.broken import load
from schedules.dispatch.upcoming import due_at_of
from schedules.dispatch.versions import decided_until, write_version
from schedules.models import Job, Watermark
from schedules.querysets.planning import move_on
from schedules.timing import from_spec, tzdata_version

BATCH = 200
NAME = "zone data"


@cache
def release() -> str:
    """Return the release of the zone data that this process reads; zones are read only once."""
    return tzdata_version()


def renew(job: Job) -> bool:
    """Compute the locked job's next occurrence anew if other zone data gave it; True if it moved.

    It follows the last occurrence that was decided, so nothing is decided twice and what the new
    data puts earlier is found. The job is not saved; a version is written where it moved.
    """
    before, job.tzdata_version = job.tzdata_version, release()
    if before in ("", job.tzdata_version) or job.timetable is None or job.next_run_at is None:
        return False
    since = decided_until(job)
    if since is None:
        return False
    upcoming = from_spec(job.timetable).next_after(since)
    if upcoming == job.next_run_at:
        return False
    job.next_run_at = upcoming
    job.next_due_at = due_at_of(job, upcoming)
    job.version += 1
    change = f"zone data {before} gave way to {job.tzdata_version}"
    write_version(job, since=since, by="zone data", reason=change)
    return True


def renew_all(*, now: datetime) -> int:
    """Renew every job that is planned by other zone data, in short transactions; return how many
    moved. Several Beats may do it at once, and nothing is looked at twice for one release.
    """
    done = Watermark.objects.filter(name=f"{NAME} {release()}")
    if done.exists():
        return 0
    outdated = Job.objects.filter(next_run_at__isnull=False).exclude(
        tzdata_version__in=("", release())
    )
    moved = 0
    while outdated.exists():
        with transaction.atomic():
            jobs = load(outdated.select_for_update(no_key=True, of=("self",))[:BATCH], now=now)
            moved += sum([_renewed_or_aside(job, now=now) for job in jobs])
            move_on(connection, jobs)
    with transaction.atomic():
        # A Beat with other zone data that starts later has to look again.
        Watermark.objects.filter(name__startswith=NAME).delete()
        Watermark.objects.bulk_create(
            [Watermark(name=f"{NAME} {release()}", at=now)], ignore_conflicts=True
        )
    return moved


def _renewed_or_aside(job: Job, *, now: datetime) -> bool:
    try:
        return renew(job)
    except (DatabaseError, InterfaceError):
        raise  # tells nothing about the row
    except Exception as error:  # noqa: BLE001 - the job says so, and all others go on
        put_aside(job, error, now=now)
        return True
