"""Making and changing a job, with its next occurrences before anything is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_manage
from schedules.dashboard.actions.argument_fields import field_of
from schedules.dashboard.actions.job_form import JobForm
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.guard import action, show
from schedules.dashboard.pages.job import job_or_404
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.names import job_name
from schedules.dashboard.words.timetables import in_words
from schedules.errors import InvalidInput, Refused
from schedules.models import Job, TaskFunction
from schedules.operations.create import create_job
from schedules.operations.edit import update_job
from schedules.operations.preview import Preview, preview_job

SHOWN = 10
LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What saving would do; or what is wrong with what was entered."""

    words: str = ""
    found: Preview | None = None
    problem: str = ""
    listed: Sequence[tuple[str, Sequence[Any], int]] = ()
    """Of what is removed, added and moved: the key, the first few, and how many more there are."""


@action(may_manage)
def new_job(reader: Reader) -> HttpResponse:
    """Choose a declared task; then fill in the form of its job."""
    key = reader.request.GET.get("task", "")
    functions = TaskFunction.objects.filter(is_active=True).order_by("key")
    if not key:
        tasks = [
            {
                "function": function,
                "arguments": list(function.arguments.get("properties", {})),
            }
            for function in functions
        ]
        return show(reader, "schedules/new_job.html", {"here": "jobs", "tasks": tasks})
    function = functions.filter(key=key).first()
    if function is None:
        raise Http404
    return _edit(reader, function, None)


@action(may_manage)
def edit_job(reader: Reader, *, number: int) -> HttpResponse:
    """Change a job."""
    job = job_or_404(number)
    if not job.is_active:
        raise Http404
    return _edit(reader, job.task_function, job)


def _edit(reader: Reader, function: TaskFunction | None, job: Job | None) -> HttpResponse:
    is_sent = reader.request.method == "POST"
    form = JobForm(function, job, reader.request.POST if is_sent else None)
    preview = None
    if is_sent and reader.request.POST.get("preview"):
        form.is_valid()
        preview = _preview(form, reader, job)
        form.errors.clear()
    elif is_sent and form.is_valid():
        saved = _save(reader, form, function, job)
        if saved is not None:
            messages.success(reader.request, _("%(job)s is saved.") % {"job": job_name(saved)})
            return HttpResponseRedirect(reverse("scheduler:job", kwargs={"number": saved.pk}))
    if preview is None and job is not None and not is_sent and job.timetable:
        form_of_job = JobForm(function, job, _sent_by(form))
        form_of_job.is_valid()
        preview = _preview(form_of_job, reader, job)
    context = {
        "here": "jobs",
        "form": form,
        "job": job,
        "function": function,
        "preview": preview,
        "zones": sorted(available_timezones()),
        "title": _("New job") if job is None else _("Edit %(job)s") % {"job": job_name(job)},
    }
    status = 422 if is_sent and form.errors else 200
    return show(reader, "schedules/job_form.html", context, status=status)


def _sent_by(form: JobForm) -> dict[str, Any]:
    """What a browser would send of an untouched form."""
    return {name: value for name in form.fields if (value := form[name].value()) is not None}


def _preview(form: JobForm, reader: Reader, job: Job | None) -> Shown:
    try:
        found = preview_job(job, changes=form.foreseen(), now=reader.now, count=SHOWN)
    except InvalidInput as error:
        return Shown(problem=str(error))
    except ValidationError as error:
        return Shown(problem=" ".join(error.messages))
    listed: list[tuple[str, Sequence[Any], int]] = []
    if found.comparison is not None:
        change = found.comparison.difference
        parts = (("removed", change.removed), ("added", change.added), ("moved", change.moved))
        listed = [(key, part[:LISTED], max(0, len(part) - LISTED)) for key, part in parts if part]
    return Shown(words=in_words(found.timetable), found=found, listed=listed)


def _save(
    reader: Reader, form: JobForm, function: TaskFunction | None, job: Job | None
) -> Job | None:
    """Save the form; None with the problem on its field where it was refused."""
    facts: dict[str, Any] = {
        "by": reader.request.user,
        "source": SOURCE,
        "now": reader.now,
        "reason": form.cleaned_data.get("reason", ""),
    }
    try:
        changes = form.changes()
        if job is None:
            assert function is not None
            return create_job(function, values=changes, **facts)
        version = form.cleaned_data.get("version")
        versions = None if version is None else [version]
        return update_job(job, changes=changes, versions=versions, **facts)
    except ValidationError as error:
        form.add_error(None, error)
    except InvalidInput as error:
        form.add_error(_field_of(form, error), f"{error.accepted}.")
    except Refused as error:
        form.add_error(None, str(error))
    return None


def _field_of(form: JobForm, error: InvalidInput) -> str | None:
    others = {"expression": "cron_expression", "timezone": "timezone"}
    return field_of(form, error) or others.get(error.field)
