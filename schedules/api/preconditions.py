"""What a caller says in headers: which version it read, and which intention this is."""

import re

from django.http import HttpRequest, HttpResponse

from schedules.models import Job
from schedules.operations.idempotency import check_key

_TAG = re.compile(r'"(\d+)-(\d+)"')


def tag_of(job: Job) -> str:
    """Return the job's ETag. It changes with every edit, and not because the job has run."""
    return f'"{job.pk}-{job.version}"'


def put_tag(response: HttpResponse, job: Job) -> None:
    """Send the ETag with the response."""
    response.headers["ETag"] = tag_of(job)


def versions_asked(request: HttpRequest, job: Job) -> frozenset[int] | None:
    """Return the versions of `job` that If-Match names; None where any will do."""
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        return None
    pairs = ((int(pk), int(version)) for pk, version in _TAG.findall(header))
    return frozenset(version for pk, version in pairs if pk == job.pk)


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the Idempotency-Key. Raises InvalidInput for one that is too long or not printable."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip()
    check_key(key)
    return key
