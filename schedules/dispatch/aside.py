"""A job whose row in force makes no sense is put aside, so that all others go on."""

import logging
from datetime import datetime

from schedules.dispatch.versions import decided_until, write_version
from schedules.models import Job

log = logging.getLogger(__name__)


UNPLANNABLE = "What is in force of it cannot be planned: "


def put_aside(job: Job, why: Exception | str, *, now: datetime, begins: str = UNPLANNABLE) -> None:
    """Make the locked job invalid, in words, from the last occurrence on that was decided.

    It is not looked at again until it is read anew from its periodic task, which Beat tries by
    itself unless the reason `begins` otherwise, or is edited. Its caller writes where its timetable
    goes on: nowhere.
    """
    job.invalid_reason = f"{begins}{why or type(why).__name__}"
    job.timetable = job.next_run_at = job.next_due_at = None
    job.version += 1
    Job.objects.filter(pk=job.pk).update(timetable=None, invalid_reason=job.invalid_reason)
    write_version(job, since=decided_until(job) or now, by="planning")
    log.warning(
        "Job %s is invalid: %s", job.key, job.invalid_reason, extra={"action": "job_invalid"}
    )
