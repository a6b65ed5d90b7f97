"""Giving one occurrence other arguments than its job has, and another time if that is wanted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.access.permissions import may_operate
from schedules.dashboard.actions.argument_fields import (
    PREFIX,
    argument_fields,
    entered_arguments,
    field_of,
    initial_arguments,
)
from schedules.dashboard.actions.job_form import ARGUMENT_MODES
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.occurrences import instant_named
from schedules.dashboard.actions.questions import clock_words, done, instant_of
from schedules.dashboard.guard import action, show
from schedules.dashboard.pages.job import job_or_404
from schedules.dashboard.reader import Reader
from schedules.dashboard.words.names import job_name
from schedules.errors import InvalidInput, Refused
from schedules.models import Job, OccurrenceChange
from schedules.operations.occurrences import change_occurrence
from schedules.operations.upcoming import changes_ahead, zone_of
from schedules.states import ChangeState

CODE = {"rows": 4, "class": "code", "spellcheck": "false"}


class OccurrenceForm(forms.Form):
    """The arguments of one occurrence; what is left empty is the job's own."""

    argument_mode = forms.ChoiceField(
        label=gettext_lazy("Arguments as"),
        choices=ARGUMENT_MODES,
        widget=forms.RadioSelect,
        required=False,
    )
    kwargs = forms.JSONField(
        label=gettext_lazy("Keyword arguments"),
        required=False,
        help_text=gettext_lazy("Put over the job's own."),
        widget=forms.Textarea(attrs=CODE),
    )
    args = forms.JSONField(
        label=gettext_lazy("Positional arguments"),
        required=False,
        help_text=gettext_lazy("A list, instead of the job's own."),
        widget=forms.Textarea(attrs=CODE),
    )
    at = forms.CharField(
        label=gettext_lazy("Date and time"),
        required=False,
        help_text=gettext_lazy("Left empty: at its own time."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, required=False)

    def __init__(self, job: Job, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "label_suffix": ""})
        self.job = job
        self.schema: Mapping[str, Any] = job.task_function.arguments if job.task_function else {}
        for name, field in argument_fields(self.schema).items():
            field.required = False
            if name.removeprefix(PREFIX) in job.kwargs:
                field.help_text = ""  # the task's default is not what it has when left empty
            self.fields[name] = field

    @property
    def argument_fields(self) -> list[forms.BoundField]:
        """The fields of the arguments."""
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    def arguments(self) -> dict[str, Any]:
        """Return the `args` and `kwargs` that differ from the job's. Raises InvalidInput."""
        values = self.cleaned_data
        args, kwargs = None, values.get("kwargs")
        if values.get("argument_mode") == "json":
            args = values.get("args")
        else:
            entered = entered_arguments(self.schema, values)
            own = self.job.kwargs
            kwargs = {key: one for key, one in entered.items() if own.get(key, self) != one}
        if args is not None and not isinstance(args, list):
            raise InvalidInput("args", args, _("Write a list: [value]."))
        if kwargs is not None and not isinstance(kwargs, dict):
            raise InvalidInput("kwargs", kwargs, _('Write an object: {"name": value}.'))
        if args in (None, self.job.args) and not kwargs:
            raise InvalidInput("kwargs", "none", _("Enter at least one argument of its own."))
        return {"args": None if args == self.job.args else args, "kwargs": kwargs or None}


@action(may_operate)
def give_arguments(reader: Reader, *, number: int, at: str) -> HttpResponse:
    """Show the form for the occurrence at the instant `at`, or do what was entered in it."""
    instant = instant_named(at)
    if instant is None:
        raise Http404
    job = job_or_404(number)
    if not job.is_active:
        raise Http404
    present = changes_ahead(job, now=reader.now).get(instant)
    if present is not None and (present.state != ChangeState.OPEN or present.is_skipped):
        present = None
    is_sent = reader.request.method == "POST"
    sent = reader.request.POST if is_sent else None
    form = OccurrenceForm(job, sent, initial=_initial(reader, job, present))
    zone = reader.zone(zone_of(job))
    time = f"{reader.shown(instant, zone_of(job))} {zone}"
    back = f"{reverse('scheduler:job', kwargs={'number': number})}?tab=next"
    if is_sent and form.is_valid() and _save(reader, form, instant, present):
        words = _("%(job)s of %(time)s runs with other arguments.") % {
            "job": job_name(job),
            "time": time,
        }
        return done(reader, words + clock_words(reader, "at", zone=zone_of(job)), back=back)
    context = {"here": "jobs", "form": form, "job": job, "time": time, "zone": zone, "back": back}
    status = 422 if is_sent else 200
    return show(reader, "schedules/occurrence_form.html", context, status=status)


def _initial(reader: Reader, job: Job, present: OccurrenceChange | None) -> dict[str, Any]:
    """Return what the fields hold first: what was said before, over the job's own arguments."""
    schema: Mapping[str, Any] = job.task_function.arguments if job.task_function else {}
    said = (present.kwargs if present else None) or {}
    known = schema.get("properties", {})
    args = present.args if present and present.args is not None else job.args or None
    fits = bool(known) and not args and {*job.kwargs, *said} <= set(known)
    initial: dict[str, Any] = {"argument_mode": "form" if fits else "json"}
    if present is not None and present.moved_to is not None:
        there = ZoneInfo(reader.zone(zone_of(job)))
        initial["at"] = present.moved_to.astimezone(there).strftime("%Y-%m-%dT%H:%M")
    if reader.may_view_details:
        initial |= {"kwargs": said or None, "args": args}
        initial |= initial_arguments(schema, {**job.kwargs, **said})
    return initial


def _save(
    reader: Reader, form: OccurrenceForm, at: datetime, present: OccurrenceChange | None
) -> bool:
    """Do what was entered; False with the reason on the form where it was refused."""
    try:
        given = form.arguments()
        moved_to = present.moved_to if present else None
        if "at" in form.changed_data:
            is_moved = bool(form.cleaned_data["at"])
            moved_to = instant_of(reader, "at", zone=zone_of(form.job)) if is_moved else None
        change_occurrence(
            form.job,
            at=at,
            moved_to=moved_to,
            **given,
            by=reader.request.user,
            source=SOURCE,
            now=reader.now,
            reason=form.cleaned_data["reason"],
        )
    except InvalidInput as error:
        field = "at" if error.field == "moved_to" else field_of(form, error)
        form.add_error(field, error.accepted if field else str(error))
        return False
    except Refused as error:
        form.add_error(None, str(error))
        return False
    return True
