"""All jobs as one text."""

from typing import Any

from schedules.models import Job
from schedules.operations.as_code.described import Tasks, as_entry, describe
from schedules.operations.as_code.plan import dependencies, describable
from schedules.operations.as_code.text import write_text

HEAD = """\
# The jobs of this scheduler. Change them here, look with `scheduler plan -f FILE` at what that
# does, and let it be so with `scheduler apply -f FILE`. What is left out of a job has the default
# that its task declares; durations are in seconds. `unlisted: disable` disables jobs that are not
# listed here; without it those that no file ever listed are left alone.
"""


def export_jobs() -> str:
    """Return all jobs that can run as YAML that `plan_file` reads and finds nothing to change in.

    Spent single dates are left out; jobs that are invalid now are named under `leave`.
    """
    tasks, after = Tasks(), dependencies()
    jobs = {
        job.key: as_entry(job.key, describe(job, after=after.get(job.pk, ())), tasks)
        for job in describable()
    }
    invalid = Job.objects.existing().exclude(invalid_reason="").order_by("key")
    document: dict[str, Any] = {"version": 1, "unlisted": "disable"}
    if leave := list(invalid.values_list("key", flat=True)):
        document["leave"] = leave
    return HEAD + write_text({**document, "jobs": jobs})
