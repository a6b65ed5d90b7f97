"""Every occurrence and one-off call: filtered, exported, and its failures by cause."""

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from schedules.dashboard.guard import page, show
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.states import ORIGINS, sign_of
from schedules.errors import InvalidInput
from schedules.models import Instance, Job
from schedules.operations.failures import group_failures
from schedules.operations.finding import Found, Wanted, find_runs
from schedules.operations.listing import hosts_of, instance_names_of
from schedules.operations.shapes import run_shape
from schedules.states import Origin, RunState

PER_PAGE = 50
MOST_EXPORTED = 10_000
MOST_OFFERED = 200  # jobs
MOST_WORKERS = 30

FAILING = "failing"
SUSPECT = "suspect"
STATE_GROUPS = {
    SUSPECT: (RunState.SUCCEEDED,),
    FAILING: (RunState.FAILED, RunState.LOST, RunState.TIMED_OUT),
    "unfinished": (RunState.PLANNED, RunState.SENT, RunState.RETRYING, RunState.RUNNING),
}
PERIODS = (
    ("hour", timedelta(hours=1), _("last hour")),
    ("day", timedelta(days=1), _("last 24 hours")),
    ("week", timedelta(days=7), _("last 7 days")),
    ("month", timedelta(days=30), _("last 30 days")),
)
USUAL_PERIOD = "day"


@page
def runs(reader: Reader) -> HttpResponseBase:
    """Show a page of the runs that fit the filters in the address, or export them."""
    query = reader.request.GET
    problem = ""
    wanted, cursor = _wanted(reader), query.get("cursor") or None
    export = query.get("format", "")
    limit = MOST_EXPORTED if export in ("csv", "json") else PER_PAGE
    try:
        found = find_runs(wanted, limit=limit, cursor=cursor)
    except InvalidInput as error:
        found, problem = Found(runs=[], cursor=None), str(error)
    if export == "json":
        return _json(found)
    if export == "csv":
        return _csv(found)
    names = {name for name in query if name not in ("cursor",)}
    context = {
        "here": "runs",
        "view": "runs",
        "found": found,
        "problem": problem,
        "workers": instance_names_of(found.runs),
        "is_filtered": any(query.get(name) for name in names),
        **_choices(reader, wanted),
    }
    return show(reader, "schedules/runs.html", context, status=400 if problem else 200)


@page
def failures(reader: Reader) -> HttpResponse:
    """Show the failures of a period, those with one cause together."""
    chosen = reader.request.GET.get("period", USUAL_PERIOD)
    lengths = {key: length for key, length, _word in PERIODS}
    length = lengths.get(chosen, timedelta(days=1))
    context = {
        "here": "runs",
        "view": "failures",
        "period": chosen if chosen in lengths else USUAL_PERIOD,
        "periods": PERIODS,
        "failures": group_failures(since=reader.now - length, until=reader.now),
    }
    return show(reader, "schedules/failures.html", context)


def _wanted(reader: Reader) -> Wanted:
    """Read the address; what makes no sense there filters nothing."""
    query = reader.request.GET
    state = query.get("state", "")
    states = STATE_GROUPS.get(state) or ((RunState(state),) if state in RunState.values else ())
    origin = query.get("origin", "")
    since = {key: reader.now - length for key, length, _word in PERIODS}.get(
        query.get("period", "")
    )
    job = query.get("job", "")
    chosen = Job.objects.named(job).first() if job else None
    return Wanted(
        states=states,
        job=chosen,
        origin=Origin(origin) if origin in Origin.values else None,
        instance_id=_uuid(query.get("worker", "")),
        since=_instant(reader, query.get("from", "")) or since,
        # Calls parked years ahead would hide what has happened; they have a page of their own.
        until=_instant(reader, query.get("to", "")) or (None if states else reader.now),
        text=query.get("q", "").strip()[:200],
        is_in_errors=reader.may_view_details,
        is_suspect=True if state == SUSPECT else None,
    )


def _choices(reader: Reader, wanted: Wanted) -> dict[str, Any]:
    """What the filters offer, and what is chosen, which is offered in any case."""
    jobs = list(Job.objects.existing().order_by("key").values_list("pk", "key")[:MOST_OFFERED])
    chosen = {name: value[:200] for name, value in reader.request.GET.items()}
    if wanted.job is not None:
        chosen["job"] = str(wanted.job.pk)
        if (wanted.job.pk, wanted.job.key) not in jobs:
            jobs.append((wanted.job.pk, wanted.job.key))
    newest = Instance.objects.order_by("-heartbeat_at").values_list("pk", "name")
    workers = list(newest[:MOST_WORKERS])
    if wanted.instance_id is not None and wanted.instance_id not in dict(workers):
        workers += newest.filter(pk=wanted.instance_id)
    return {
        "chosen": chosen,
        "states": [
            (FAILING, _("failed, lost or timed out")),
            ("unfinished", _("not ended yet")),
            (SUSPECT, _("succeeded, but suspect")),
            *((state.value, sign_of(state).word) for state in RunState),
        ],
        "jobs": [(str(number), key) for number, key in jobs],
        "origins": [(origin.value, ORIGINS[origin.value]) for origin in Origin],
        "periods": PERIODS,
        "workers_offered": [(str(number), name) for number, name in workers],
    }


def _json(found: Found) -> JsonResponse:
    hosts = hosts_of(found.runs)
    items = [run_shape(run, hosts=hosts) for run in found.runs]
    for item in items:
        item.pop("errorMessage")
        item.pop("resultSummary")
        item.pop("suspectReason")
    response = JsonResponse({"items": items, "nextCursor": found.cursor})
    response.headers["Content-Disposition"] = 'attachment; filename="runs.json"'
    return response


class _Echo:
    """Gives back what is written to it, so that rows leave one by one."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _csv(found: Found) -> StreamingHttpResponse:
    hosts = hosts_of(found.runs)
    names = [
        *("scheduledAt", "dueAt", "startedAt", "completedAt", "durationMs", "jobKey", "taskKey"),
        *("naturalKey", "executionId", "statusName", "reason", "attempt", "origin", "requestedBy"),
        *("count", "until", "hostName"),
    ]

    def lines() -> Iterator[str]:
        writer: Any = csv.writer(_Echo())
        yield writer.writerow(names)
        for run in found.runs:
            shape = run_shape(run, hosts=hosts)
            yield writer.writerow([_cell(shape[name]) for name in names])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="runs.csv"'
    return response


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a text for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _instant(reader: Reader, text: str) -> datetime | None:
    """Read what a field for date and time sends, in the reader's zone."""
    try:
        instant = parse_datetime(text) if text else None
    except ValueError:
        return None
    if instant is None or instant.tzinfo is not None:
        return instant
    return instant.replace(tzinfo=ZoneInfo(reader.zone()))
