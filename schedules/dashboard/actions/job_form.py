"""The form of a job: timetable, arguments, policy; what it holds as `operations` take it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from schedules.dashboard.actions.argument_fields import (
    PREFIX,
    argument_fields,
    entered_arguments,
    initial_arguments,
)
from schedules.dashboard.reader import known_zone
from schedules.dashboard.words.choices import DAY_RULES, DAYS_OFF, ON_LOST, OVERLAPS
from schedules.models import Calendar, Job, TaskFunction
from schedules.operations.timetables import UNITS, current_timetable, parts_of
from schedules.registry import find, texts_of
from schedules.timing import At, Cron, Every

KINDS = (("cron", _("Cron")), ("interval", _("Interval")), ("once", _("Once")))
ARGUMENT_MODES = (("form", _("Fields")), ("json", _("JSON")))

SECONDS = ("misfire_grace", "jitter", "time_limit", "retry_delay")
"""Fields that are entered in seconds and kept as lengths of time."""

PLAIN = (
    *("name_en", "name_ar", "name_id", "description_en", "priority", "max_instances", "overlap"),
    *("coalesce", "max_retries", "on_lost", "is_primary", "checks", "calendar", "day_off"),
)
TIMETABLE = ("kind", "cron_expression", "timezone", "day_rule", "run_at")
LONGEST_SECONDS = 10 * 366 * 86_400


def _seconds(label: object, *, least: int = 0, help_text: object = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,  # type: ignore[arg-type]
        required=False,
        min_value=least,
        max_value=LONGEST_SECONDS,
        help_text=help_text,  # type: ignore[arg-type]
    )


class LinesField(forms.CharField):
    """Texts, one a line; empty lines are none."""

    def prepare_value(self, value: Any) -> Any:
        """Show stored texts as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the texts."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other texts were entered than are stored."""
        return bool((initial or []) != self.to_python(data))


class JobForm(forms.Form):
    """For a new job of a declared task, or for one that is there."""

    name_en = forms.CharField(label=_("Name (English)"), max_length=255, required=False)
    name_ar = forms.CharField(
        label=_("Name (Arabic)"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"dir": "rtl", "lang": "ar"}),
    )
    name_id = forms.CharField(label=_("Name (Indonesian)"), max_length=255, required=False)
    description_en = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    key = forms.SlugField(
        label=_("Key"), max_length=180, required=False, help_text=_("Left empty, one is made.")
    )

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, widget=forms.RadioSelect)
    cron_expression = forms.CharField(
        label=_("Cron expression"),
        max_length=255,
        required=False,
        help_text=_("Minute, hour, day of month, month, day of week. Also L, W, # and @daily."),
        widget=forms.TextInput(attrs={"class": "code", "spellcheck": "false"}),
    )
    timezone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"list": "zones", "spellcheck": "false"}),
    )
    day_rule = forms.ChoiceField(
        label=_("If both day fields are set"), choices=DAY_RULES, required=False
    )
    interval_weeks = forms.IntegerField(label=_("Weeks"), required=False, min_value=0)
    interval_days = forms.IntegerField(label=_("Days"), required=False, min_value=0)
    interval_hours = forms.IntegerField(label=_("Hours"), required=False, min_value=0)
    interval_minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=0)
    interval_seconds = forms.IntegerField(label=_("Seconds"), required=False, min_value=0)
    run_at = forms.CharField(
        label=_("Date and time"),
        required=False,
        help_text=_("On the clock of the time zone above."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    calendar = forms.ModelChoiceField(
        label=_("Calendar"),
        queryset=Calendar.objects.order_by("name"),
        to_field_name="name",
        required=False,
        empty_label=_("none: any day"),
    )
    day_off = forms.ChoiceField(
        label=_("On a day it does not allow"), choices=DAYS_OFF, required=False
    )

    argument_mode = forms.ChoiceField(
        label=_("Arguments as"), choices=ARGUMENT_MODES, widget=forms.RadioSelect, required=False
    )
    kwargs = forms.JSONField(
        label=_("Keyword arguments"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "code", "spellcheck": "false"}),
    )

    enabled = forms.BooleanField(
        label=pgettext_lazy("a switch", "Enabled"), required=False, initial=True
    )
    max_instances = forms.IntegerField(
        label=_("Runs at once"), min_value=1, max_value=10, initial=1
    )
    overlap = forms.ChoiceField(label=_("Overlap"), choices=OVERLAPS)
    misfire_grace = _seconds(
        _("May start late by (s)"), least=-1, help_text=_("-1: however late it is.")
    )
    coalesce = forms.BooleanField(
        label=_("Of several late ones run only the latest"), required=False, initial=True
    )
    max_retries = forms.IntegerField(label=_("Retries"), min_value=0, max_value=100, initial=0)
    retry_delay = _seconds(_("First retry after (s)"))
    time_limit = _seconds(_("Time limit (s)"), least=1, help_text=_("Left empty: the usual one."))
    jitter = _seconds(_("Jitter (s)"))
    priority = forms.IntegerField(label=_("Priority"), min_value=-32768, max_value=32767, initial=0)
    on_lost = forms.ChoiceField(label=_("If the worker is lost"), choices=ON_LOST)
    is_primary = forms.BooleanField(label=_("Critical"), required=False)
    checks = LinesField(
        label=_("Checks of the outcome"),
        required=False,
        help_text=_(
            "One a line, such as errors == 0 or total >= 0.8 * median(total, last=10)."
            " A success for which one does not hold is suspect."
        ),
        widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"}),
    )
    reason = forms.CharField(label=_("Reason"), max_length=1000, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, function: TaskFunction | None, job: Job | None, *args: Any, **kwargs: Any):
        self.schema: Mapping[str, Any] = function.arguments if function else {}
        self.job = job
        declared = find(function.task) if function and job is None else None
        checks = {} if declared is None else {"checks": texts_of(declared.checks)}
        kwargs["initial"] = {**_initial(job, self.schema), **checks, **kwargs.get("initial", {})}
        kwargs["label_suffix"] = ""
        super().__init__(*args, **kwargs)
        for name, field in argument_fields(self.schema).items():
            self.fields[name] = field
        if self.data.get("argument_mode") == "json":
            for name in self.fields:
                if name.startswith(PREFIX):
                    self.fields[name].required = False
        if job is not None:
            del self.fields["key"]

    @property
    def argument_fields(self) -> list[forms.BoundField]:
        """The fields of the arguments."""
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    def timetable(self) -> dict[str, Any]:
        """Return the timetable that was entered, of the chosen kind. Raises ValidationError."""
        values = self.cleaned_data
        if values.get("kind") == "cron":
            return {
                "cron_expression": values.get("cron_expression") or None,
                "timezone": values.get("timezone") or "UTC",
                "day_rule": values.get("day_rule") or "any",
            }
        if values.get("kind") == "interval":
            return {f"interval_{unit}": values.get(f"interval_{unit}") or None for unit in UNITS}
        return {"run_at": self._run_at(values.get("run_at", ""))}

    def changes(self) -> dict[str, Any]:
        """Return what differs from the job, or all of a new one, as `operations` take it."""
        values = self.cleaned_data
        chosen = set(self.changed_data) if self.job is not None else set(self.fields)
        changes = {name: values[name] for name in PLAIN if name in chosen and name in values}
        for name in SECONDS:
            if name in chosen:
                changes[name] = _length(name, values.get(name))
        if chosen & {*TIMETABLE, *(f"interval_{unit}" for unit in UNITS)}:
            changes |= self.timetable()
        if self.job is None or any(name.startswith(PREFIX) or name == "kwargs" for name in chosen):
            changes["kwargs"] = self.arguments()
        if self.job is None:
            changes["enabled"] = values["enabled"]
            if values.get("key"):
                changes["key"] = values["key"]
            changes = {name: value for name, value in changes.items() if value != ""}
        elif "enabled" in chosen:
            changes["enabled"] = values["enabled"]
        return changes

    def foreseen(self) -> dict[str, Any]:
        """Return what of the changes says when the job runs. Raises ValidationError."""
        values = self.cleaned_data
        chosen = set(self.changed_data) if self.job is not None else set(self.fields)
        names = ("calendar", "day_off", "enabled", "max_instances")
        changes = {name: values[name] for name in names if name in chosen and name in values}
        if "jitter" in chosen and "jitter" in values:
            changes["jitter"] = _length("jitter", values["jitter"])
        if chosen & {*TIMETABLE, *(f"interval_{unit}" for unit in UNITS)}:
            changes |= self.timetable()
        return changes

    def arguments(self) -> dict[str, Any]:
        """Return the arguments, from the fields or from the JSON. Raises ValidationError."""
        if self.cleaned_data.get("argument_mode") != "json":
            return entered_arguments(self.schema, self.cleaned_data)
        given = self.cleaned_data.get("kwargs")
        if given is not None and not isinstance(given, dict):
            raise ValidationError({"kwargs": _('Write an object: {"name": value}.')})
        return dict(given or {})

    def _run_at(self, text: str) -> datetime:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError({"run_at": _("Give a date and a time.")}) from None
        if instant.tzinfo is None:
            zone = ZoneInfo(known_zone(self.cleaned_data.get("timezone") or "UTC"))
            instant = instant.replace(tzinfo=zone)
        return instant


def _length(name: str, seconds: int | None) -> timedelta | None:
    if name == "misfire_grace":
        return None if seconds is None or seconds < 0 else timedelta(seconds=seconds)
    if name == "time_limit":
        return None if seconds is None else timedelta(seconds=seconds)
    return timedelta(seconds=seconds or 0)


def _initial(job: Job | None, schema: Mapping[str, Any]) -> dict[str, Any]:
    if job is None:
        return {
            "kind": "cron",
            "timezone": "UTC",
            "day_rule": "any",
            "overlap": "skip",
            "on_lost": "fail",
            "misfire_grace": 60,
            "retry_delay": 60,
            "jitter": 0,
            "argument_mode": "form",
            "kwargs": {},
        }
    values: dict[str, Any] = {name: getattr(job, name) for name in PLAIN}
    for name in SECONDS:
        length = getattr(job, name)
        values[name] = None if length is None else int(length.total_seconds())
    if job.misfire_grace is None:
        values["misfire_grace"] = -1
    known = set(schema.get("properties", {}))
    fits = not job.args and set(job.kwargs) <= known
    values |= {
        "enabled": job.is_enabled,
        "version": job.version,
        "argument_mode": "form" if fits else "json",
        "kwargs": job.kwargs,
        **initial_arguments(schema, job.kwargs),
        **_timetable_of(job),
    }
    return values


def _timetable_of(job: Job) -> dict[str, Any]:
    match current_timetable(job):
        case Cron() as cron:
            return {
                "kind": "cron",
                "cron_expression": cron.expression,
                "timezone": cron.tz,
                "day_rule": cron.day_rule,
            }
        case Every() as every:
            parts = parts_of(job, every.interval)
            named = {f"interval_{unit}": number for unit, number in parts.items()}
            return {"kind": "interval", "timezone": "UTC", **named}
        case At() as at:
            shown = at.instant.strftime("%Y-%m-%dT%H:%M")
            return {"kind": "once", "timezone": "UTC", "run_at": shown}
    return {"kind": "cron", "cron_expression": job.cron_text, "timezone": "UTC"}
