"""Names of jobs in sentences."""

from django.utils.translation import get_language

from schedules.models import Job
from schedules.operations.shapes import in_language


def job_name(job: Job) -> str:
    """Return the job's name in the reader's language; its key where it has none."""
    return in_language(job, "name", (get_language() or "en")[:2]) or job.key
