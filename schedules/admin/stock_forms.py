"""Forms for django-celery-beat's pages that refuse what could never run, in one sentence each."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django_celery_beat.admin import PeriodicTaskForm
from django_celery_beat.models import CrontabSchedule, IntervalSchedule

from schedules.adapters.validation import check_arguments, check_task
from schedules.errors import InvalidInput
from schedules.timing import Cron, Every

CRON_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
CELERYS_FORMS = "numbers, names, lists, ranges and steps, as Celery's crontab knows them"


class WholeNumberField(forms.IntegerField):
    """A whole number that is quoted when it is refused."""

    def clean(self, value: Any) -> int | None:
        """Return the number; raises ValidationError that names what was found."""
        try:
            number: int | None = super().clean(value)
        except ValidationError:
            refusal = InvalidInput("every", value, "a whole number from 1")
            raise ValidationError(str(refusal)) from None
        return number


class StrictIntervalForm(forms.ModelForm):  # type: ignore[type-arg]
    """An interval of at least one second."""

    every = WholeNumberField(min_value=1, help_text="How many periods between two runs.")

    class Meta:
        model = IntervalSchedule
        fields = ("every", "period")

    def clean(self) -> dict[str, Any]:
        """Refuse intervals that our timetables refuse."""
        values = super().clean() or {}
        every, period = values.get("every"), values.get("period")
        if every is not None and period:
            try:
                Every(timedelta(**{period: every}))
            except InvalidInput as refusal:
                found = InvalidInput("every", f"{every} {period}", refusal.accepted)
                self.add_error("every", str(found))
            except OverflowError:
                found = InvalidInput("every", f"{every} {period}", "at most 999999999 days")
                self.add_error("every", str(found))
        return values


class StrictCrontabForm(forms.ModelForm):  # type: ignore[type-arg]
    """A crontab in which each field is one that our timetables and Celery both understand."""

    class Meta:
        model = CrontabSchedule
        fields = (*CRON_FIELDS, "timezone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["timezone"]
        refused = InvalidInput("timezone", "%(value)s", "an IANA zone name, such as Asia/Jakarta")
        zone.error_messages["invalid_choice"] = str(refused)

    def clean(self) -> dict[str, Any]:
        """Check each field by itself, so that the sentence stands where the mistake is."""
        values = super().clean() or {}
        for place, name in enumerate(CRON_FIELDS):
            text = values.get(name)
            if text is not None:
                self._check_field(place, name, text)
        return values

    def _check_field(self, place: int, name: str, text: str) -> None:
        fields = ["*"] * len(CRON_FIELDS)
        fields[place] = ",".join(part.strip() for part in text.split(","))
        if any(character.isspace() for character in fields[place]):
            refusal = InvalidInput(name, text, "one field, without spaces inside")
            self.add_error(name, str(refusal))
            return
        try:
            Cron(" ".join(fields), day_rule="all")
            _check_with_celery(name, fields[place])
        except InvalidInput as refusal:
            self.add_error(name, str(InvalidInput(name, text, refusal.accepted)))
        else:
            self.cleaned_data[name] = fields[place]


class StrictPeriodicTaskForm(PeriodicTaskForm):  # type: ignore[misc]
    """A periodic task that names a declared task and gives it arguments it takes."""

    def clean(self) -> dict[str, Any]:
        """Check task, arguments and the two dates."""
        # The stock form expects the key also where the field itself was refused.
        self.cleaned_data.setdefault("task", "")
        values: dict[str, Any] = super().clean()
        task = values.get("task") or ""
        try:
            check_task(task)
            if "args" in values and "kwargs" in values:
                check_arguments(task, json.loads(values["args"]), json.loads(values["kwargs"]))
        except InvalidInput as refusal:
            place, *_ = getattr(refusal, "place", [refusal.field])
            field = place if place in self.fields else "kwargs"
            self.add_error(field, str(refusal))
        starts, ends = values.get("start_time"), values.get("expires")
        if starts is not None and ends is not None and ends <= starts:
            later = InvalidInput("expires", ends.isoformat(), f"later than start_time, {starts}")
            self.add_error("expires", str(later))
        return values

    def clean_args(self) -> str:
        """Return the arguments as they came; they must be a JSON list."""
        return self._json("args", list, "a JSON list, for example [17]")

    def clean_kwargs(self) -> str:
        """Return the keyword arguments as they came; they must be a JSON object."""
        return self._json("kwargs", dict, 'a JSON object, for example {"days": 7}')

    def _json(self, name: str, kind: type, accepted: str) -> str:
        text: str = self.cleaned_data[name]
        try:
            fits = isinstance(json.loads(text), kind)
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            raise ValidationError(str(InvalidInput(name, text, accepted)))
        return text


def _check_with_celery(name: str, text: str) -> None:
    """Raise InvalidInput for forms that only our own cron text can say, such as L, W and #."""
    try:
        CrontabSchedule._meta.get_field(name).run_validators(text)
    except ValidationError:
        raise InvalidInput(name, text, CELERYS_FORMS) from None
