"""The calendars: a page with all of them, and one with the form that makes or changes one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.access.permissions import may_manage
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.guard import action, page, show
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput, Refused
from schedules.models import Calendar
from schedules.operations.calendar_files import MOST_CHARACTERS, dates_in
from schedules.operations.calendars import (
    create_calendar,
    delete_calendar,
    edit_calendar,
    find_calendar,
    jobs_by_calendar,
)

WEEKDAYS = (
    ("mon", gettext_lazy("Monday")),
    ("tue", gettext_lazy("Tuesday")),
    ("wed", gettext_lazy("Wednesday")),
    ("thu", gettext_lazy("Thursday")),
    ("fri", gettext_lazy("Friday")),
    ("sat", gettext_lazy("Saturday")),
    ("sun", gettext_lazy("Sunday")),
)
KINDS = (
    ("", gettext_lazy("Jobs do not run on these days")),
    ("only", gettext_lazy("Jobs run on these days only")),
)


class CalendarForm(forms.Form):
    """The days of a calendar, typed or from a file."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    kind = forms.ChoiceField(label=gettext_lazy("Meaning"), choices=KINDS, required=False)
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Every week on"),
        choices=WEEKDAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    dates = forms.CharField(
        label=gettext_lazy("Dates"),
        required=False,
        help_text=gettext_lazy("One on each line, such as 2026-12-25."),
        widget=forms.Textarea(attrs={"rows": 10, "class": "code", "spellcheck": "false"}),
    )
    file = forms.FileField(
        label=gettext_lazy("Add the days of an .ics file"), required=False, allow_empty_file=True
    )
    timezone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        help_text=gettext_lazy("Whose days they are for a timetable without a zone of its own."),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, required=False)

    def values(self) -> dict[str, Any]:
        """Return the days as the operations take them."""
        return {
            "dates": self.cleaned_data["dates"].split(),
            "weekdays": self.cleaned_data["weekdays"],
            "is_allow_list": self.cleaned_data["kind"] == "only",
            "timezone": self.cleaned_data["timezone"],
        }


@page
def calendars(reader: Reader) -> HttpResponse:
    """List the calendars with the jobs that go by them."""
    jobs = jobs_by_calendar()
    rows = [
        (one, [label for day, label in WEEKDAYS if day in one.weekdays], jobs.get(one.pk, []))
        for one in Calendar.objects.order_by("name")
    ]
    return show(reader, "schedules/calendars.html", {"here": "calendars", "rows": rows})


@action(may_manage)
def edit(reader: Reader, *, name: str = "") -> HttpResponse:
    """Make a calendar, or change, fill or delete the one of this name."""
    calendar = find_calendar(name) if name else None
    if name and calendar is None:
        raise Http404
    request = reader.request
    is_sent = request.method == "POST"
    initial = _initial(calendar)
    form = CalendarForm(
        request.POST if is_sent else None, request.FILES if is_sent else None, initial=initial
    )
    form.label_suffix = ""
    if calendar is not None:
        del form.fields["name"]
    if is_sent and form.is_valid() and _save(reader, form, calendar):
        return HttpResponseRedirect(reverse("scheduler:calendars"))
    context = {"here": "calendars", "form": form, "calendar": calendar}
    context["jobs"] = jobs_by_calendar().get(calendar.pk, []) if calendar else []
    status = 422 if is_sent else 200
    return show(reader, "schedules/calendar_form.html", context, status=status)


def _initial(calendar: Calendar | None) -> dict[str, Any]:
    if calendar is None:
        return {"timezone": "UTC"}
    return {
        "kind": "only" if calendar.is_allow_list else "",
        "weekdays": calendar.weekdays,
        "dates": "\n".join(map(str, calendar.dates)),
        "timezone": calendar.timezone,
    }


def _save(reader: Reader, form: CalendarForm, calendar: Calendar | None) -> bool:
    """Do what was sent; False with the reason on the form where it was refused."""
    facts: dict[str, Any] = {"by": reader.request.user, "source": SOURCE, "now": reader.now}
    facts["reason"] = form.cleaned_data["reason"]
    try:
        if calendar is not None and reader.request.POST.get("delete") == "yes":
            delete_calendar(calendar, **facts)
            words = _("The calendar is deleted.")
        else:
            _write(form, calendar, facts)
            words = _("The calendar is saved.")
    except InvalidInput as error:
        field = {"ics": "file", "is_allow_list": "kind"}.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, str(error))
        return False
    except Refused as error:
        form.add_error(None, str(error))
        return False
    messages.success(reader.request, words)
    return True


def _write(form: CalendarForm, calendar: Calendar | None, facts: dict[str, Any]) -> None:
    values, file = form.values(), form.cleaned_data["file"]
    if file is not None:
        if file.size > 4 * MOST_CHARACTERS:
            raise InvalidInput("ics", f"{file.size} bytes", f"at most {MOST_CHARACTERS} characters")
        found = dates_in(file.read().decode(errors="replace"), today=facts["now"].date())
        values["dates"] += found
    if calendar is None:
        create_calendar(form.cleaned_data["name"], values=values, **facts)
    else:
        edit_calendar(calendar, changes=values, **facts)
