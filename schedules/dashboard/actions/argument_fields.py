"""Form fields for the arguments of a declared task, from their JSON schema."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.errors import InvalidInput
from schedules.registry import InvalidArguments

PREFIX = "arg__"
YES_NO = (("", "-"), ("true", gettext_lazy("yes")), ("false", gettext_lazy("no")))


def argument_fields(schema: Mapping[str, Any]) -> dict[str, forms.Field]:
    """Return one field for each argument, by `arg__NAME`, in the order of the signature."""
    needed = set(schema.get("required", ()))
    return {
        f"{PREFIX}{name}": _field(name, _plain(part), is_needed=name in needed)
        for name, part in schema.get("properties", {}).items()
    }


def initial_arguments(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the fields show for the arguments `given`."""
    shown: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        if name in given:
            shown[f"{PREFIX}{name}"] = _shown(given[name], _plain(part))
    return shown


def entered_arguments(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that the fields hold; an empty field leaves its argument out."""
    found: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        value = values.get(f"{PREFIX}{name}")
        if value is None or value == "":
            continue
        found[name] = value == "true" if _plain(part).get("type") == "boolean" else value
    return found


def field_of(form: forms.Form, error: InvalidInput) -> str | None:
    """Return the field on which an operation's refusal is shown; None for the whole form."""
    if isinstance(error, InvalidArguments):
        own = f"{PREFIX}{error.field.partition('.')[0]}"
        return next((name for name in (own, "kwargs") if name in form.fields), None)
    return error.field if error.field in form.fields else None


def _plain(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without its "or null", which an empty field says."""
    choices = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    return {**part, **choices[0]} if len(choices) == 1 else part


def _field(name: str, part: Mapping[str, Any], *, is_needed: bool) -> forms.Field:
    options: dict[str, Any] = {
        "label": name,
        "required": is_needed,
        "help_text": _help(part),
    }
    kind = part.get("type")
    if part.get("enum"):
        choices = [("", "-"), *((str(each), str(each)) for each in part["enum"])]
        return forms.ChoiceField(choices=choices, **options)
    if kind == "integer":
        return forms.IntegerField(**options)
    if kind == "number":
        return forms.FloatField(**options)
    if kind == "boolean":
        return forms.ChoiceField(choices=YES_NO, **options)
    if kind == "string":
        widget = forms.DateInput(attrs={"type": "date"}) if part.get("format") == "date" else None
        return forms.CharField(widget=widget, max_length=10_000, **options)
    area = forms.Textarea(attrs={"rows": 2, "class": "code", "spellcheck": "false"})
    return forms.JSONField(widget=area, **options)


def _help(part: Mapping[str, Any]) -> str:
    words = str(part.get("description", ""))
    if "default" in part:
        default = json.dumps(part["default"], ensure_ascii=False)
        words = f"{words} {_('Left empty: %(value)s.') % {'value': default}}".strip()
    return words


def _shown(value: Any, part: Mapping[str, Any]) -> Any:
    if part.get("type") == "boolean":
        return {True: "true", False: "false"}.get(value, "")
    return value
