"""Timetables as code: all jobs as a file, what a file would change, and letting it be so."""

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.access import may_view
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.guard import action, page, show
from schedules.dashboard.reader import HIDDEN, Reader
from schedules.errors import InvalidInput, Refused
from schedules.operations.as_code.apply import PlanChanged, apply_file
from schedules.operations.as_code.export import export_jobs
from schedules.operations.as_code.plan import Action, Change, Difference, Plan, plan_file

MOST_BYTES = 2_000_000
"""Of a file here: it travels inside a form, of which Django reads little more."""

MOST_SHOWN = 100
"""Changed jobs that are shown; of more, the first."""

LONGEST_VALUE = 200

WORDS = {
    Action.CREATE: gettext_lazy("new job"),
    Action.UPDATE: gettext_lazy("changed job"),
    Action.DISABLE: gettext_lazy("not in the file: disabled"),
    Action.KEEP: gettext_lazy("stays as an operator has changed it"),
}


class TextField(forms.CharField):
    """A text as it was written: a browser sends each end of a line as two characters."""

    def to_python(self, value: Any) -> str:
        """Return the text with plain ends of lines, whose length is checked."""
        return str(super().to_python(value)).replace("\r\n", "\n")


class FileForm(forms.Form):
    """A file, typed or chosen; `planned` is the fingerprint of the plan that was shown for it."""

    file = forms.FileField(
        label=gettext_lazy("Choose a file"), required=False, allow_empty_file=True
    )
    text = TextField(
        label=gettext_lazy("Or its text"),
        required=False,
        max_length=MOST_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "class": "code", "spellcheck": "false"}),
    )
    replace_overrides = forms.BooleanField(
        label=gettext_lazy("The file wins over what an operator has changed since"), required=False
    )
    planned = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000, required=False)

    def whole_text(self) -> str:
        """Return the chosen file, or what was typed. Raises InvalidInput."""
        file = self.cleaned_data["file"]
        if file is None:
            text: str = self.cleaned_data["text"]
            if not text.strip():
                raise InvalidInput("text", "none", _("Choose a file, or write its text."))
            return text
        if file.size > MOST_BYTES:
            accepted = _("at most %(most)s bytes; a larger file is applied on the command line")
            raise InvalidInput("file", f"{file.size} bytes", accepted % {"most": f"{MOST_BYTES:,}"})
        try:
            return str(file.read().decode())
        except UnicodeDecodeError:
            raise InvalidInput("file", file.name, _("a text in UTF-8")) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One job of a plan."""

    change: Change
    words: object
    rows: tuple[tuple[str, str, str, str], ...]
    """Field, as it is, as the file says, and what of an override or a conflict is to be known."""


@page
def download(reader: Reader) -> HttpResponse:
    """Give all jobs as a file, to those who may see what is in it."""
    if not reader.may_view_details:
        raise PermissionDenied
    return HttpResponse(
        export_jobs(),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="jobs.yaml"'},
    )


@action(may_view)
def timetables(reader: Reader) -> HttpResponse:
    """Show the form, what a file that was sent would change, and let it be so."""
    request = reader.request
    is_sent = request.method == "POST"
    form = FileForm(request.POST, request.FILES) if is_sent else FileForm()
    form.label_suffix = ""
    context: dict[str, Any] = {"here": "timetables", "form": form}
    if not is_sent:
        return show(reader, "schedules/timetables.html", context)
    wants_it = request.POST.get("apply") == "yes"
    if wants_it and not reader.may_manage:
        raise PermissionDenied
    if form.is_valid():
        try:
            text = form.whole_text()
            if wants_it and _apply(reader, form, text):
                return HttpResponseRedirect(reverse("scheduler:timetables"))
            wins = form.cleaned_data["replace_overrides"]
            plan = plan_file(text, now=reader.now, replace_overrides=wins)
        except InvalidInput as error:
            form.add_error("file" if error.field == "file" else "text", str(error))
        else:
            context |= _planned(reader, plan)
            context["form"] = _again(form, text, plan)
    status = 422 if form.errors else 200
    return show(reader, "schedules/timetables.html", context, status=status)


def _apply(reader: Reader, form: FileForm, text: str) -> bool:
    """Apply the text as it was shown; False where it would do something else by now."""
    try:
        done = apply_file(
            text,
            by=reader.request.user,
            source=SOURCE,
            now=reader.now,
            reason=form.cleaned_data["reason"],
            replace_overrides=form.cleaned_data["replace_overrides"],
            expected=form.cleaned_data["planned"],
        )
    except PlanChanged:
        words = _("What it would do is not what you were shown. Look again.")
        messages.warning(reader.request, words)
        return False
    except Refused as error:  # a job was changed, or deleted, in this very moment
        messages.warning(reader.request, str(error))
        return False
    words = _("The file is applied. Jobs changed: %(number)s.") % {"number": done.pending}
    messages.success(reader.request, words)
    return True


def _again(form: FileForm, text: str, plan: Plan) -> FileForm:
    """Return the form that applies what is shown: with the file as text, and the fingerprint."""
    values = {**form.cleaned_data, "text": text, "planned": plan.fingerprint, "file": None}
    again = FileForm(initial=values)
    again.label_suffix = ""
    return again


def _planned(reader: Reader, plan: Plan) -> dict[str, Any]:
    shown = [
        Shown(
            change=change,
            words=WORDS[change.action],
            rows=tuple(
                [_row(reader, each, "") for each in change.differences]
                + [_row(reader, each, _("stays as it is")) for each in change.overrides]
            ),
        )
        for change in plan.changes[:MOST_SHOWN]
    ]
    return {"plan": plan, "shown": shown, "more": max(0, len(plan.changes) - MOST_SHOWN)}


def _row(reader: Reader, each: Difference, note: str) -> tuple[str, str, str, str]:
    is_hidden = reader.is_hidden(each.name)
    words = [note, _("an operator has changed it, and the file too") if each.is_conflict else ""]
    present = HIDDEN if is_hidden else _json(each.database)
    return each.name, present, _json(each.file), "; ".join(filter(None, words))


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
