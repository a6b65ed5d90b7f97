"""What the dashboard's templates need again and again: instants, states, lengths, names."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import template
from django.template.context import Context
from django.template.defaultfilters import floatformat
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from schedules.dashboard.reader import HIDDEN, Reader
from schedules.dashboard.words.alert_texts import alert_in_words, answer_in_words
from schedules.dashboard.words.lengths import distance, grouped_number, length
from schedules.dashboard.words.marks import mark_in_words
from schedules.dashboard.words.reasons import reason_in_words
from schedules.dashboard.words.states import ORIGINS, sign_of
from schedules.dashboard.words.timetables import as_entered, in_words, timetable_in_words
from schedules.models import AuditEntry, Job, Run, TaskFunction
from schedules.operations.shapes import in_language
from schedules.operations.upcoming import zone_of
from schedules.operations.wording import iso, iso_seconds
from schedules.redaction import redacted
from schedules.timing import ClockMark, from_spec

register = template.Library()

NOTHING = format_html('<span class="none">{}</span>', "-")


@register.simple_tag(takes_context=True)
def moment(
    context: Context, instant: datetime | None, zone: str = "", *, seconds: bool = False
) -> SafeString:
    """Show an instant in the reader's choice of zones, which is named beside it."""
    if instant is None:
        return NOTHING
    reader: Reader = context["reader"]
    shown_in = reader.zone(zone)
    return format_html(
        '<time datetime="{}" title="{}">{} <span class="zone">{}</span></time>',
        iso_seconds(instant),
        date_format(instant.astimezone(UTC), "j M Y H:i:s") + " UTC",
        reader.shown(instant, zone, seconds=seconds),
        shown_in.rpartition("/")[2].replace("_", " "),
    )


@register.simple_tag(takes_context=True)
def far(context: Context, instant: datetime | None) -> SafeString:
    """Show how far an instant is from now."""
    if instant is None:
        return NOTHING
    reader: Reader = context["reader"]
    return format_html(
        '<time class="far" datetime="{}" title="{}">{}</time>',
        iso_seconds(instant),
        f"{reader.shown(instant, seconds=True)} {reader.zone()}",
        distance(instant, now=reader.now),
    )


@register.simple_tag
def hours_ago(number: int) -> str:
    """Write a place on an axis that ends now."""
    return "−" + _("%(number)s h") % {"number": number}  # noqa: RUF001 - a minus sign


@register.simple_tag
def icon(name: str) -> SafeString:
    """Show a picture of `icons.html`; it says nothing that the words beside it do not say."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>', name
    )


@register.simple_tag
def sign(state: object) -> SafeString:
    """Show a state as picture, word and tone."""
    icon_name, word, tone = sign_of(state)
    return format_html('<span class="sign {}">{}{}</span>', tone, icon(icon_name), word)


@register.filter
def span(value: timedelta | None) -> str:
    """Write a length of time; a dash for None."""
    return length(value) or "-"


@register.filter
def took(run: Run) -> str:
    """Write how long the last attempt of a run took; a dash until it has ended."""
    if run.started_at is None or run.finished_at is None:
        return "-"
    return length(max(run.finished_at - run.started_at, timedelta(0))) or "-"


@register.filter
def reason(stored: str) -> str:
    """Write why a run ended as it did; in the reader's language where the engine says so."""
    return reason_in_words(stored)


@register.filter
def alert(stored: str) -> str:
    """Write what an alert says, in the reader's language."""
    return alert_in_words(stored)


@register.filter
def answer(stored: str) -> str:
    """Write how a channel answered, in the reader's language where the words are ours."""
    return answer_in_words(stored)


@register.filter
def grouped(number: object) -> str:
    """Write a count with its thousands apart, as the reader's language has them."""
    return grouped_number(number) if isinstance(number, int) else str(number)


@register.filter
def percent(share: float | None) -> str:
    """Write a share as a percentage, never 100 % where one is missing; a dash for None."""
    if share is None:
        return "-"
    return f"{floatformat(int(share * 1000) / 10)}%"


@register.filter
def mark(value: ClockMark) -> str:
    """Write what a change of the clock does to an occurrence."""
    return mark_in_words(value)


@register.filter
def origin(value: str) -> object:
    """Write why a run exists."""
    return ORIGINS.get(value, value)


@register.filter
def timetable(job: Job) -> str:
    """Write when a job runs."""
    return timetable_in_words(job)


@register.filter
def entered(job: Job) -> str:
    """Write the expression behind the words, if it is one."""
    return as_entered(job)


@register.filter
def zone(job: Job | None) -> str:
    """Return the zone of a job's timetable."""
    return "UTC" if job is None else zone_of(job)


@register.filter
def subject(run: Run) -> str:
    """Write what a run is about: its job, a one-off call's subject, or its task."""
    return run.job_key or run.natural_key or run.task


@register.filter(name="iso")
def iso_of(instant: datetime | None) -> str:
    """Write an instant for programs."""
    return "" if instant is None else iso(instant)


@register.simple_tag(takes_context=True)
def name_of(context: Context, row: Job | TaskFunction) -> str:
    """Write a job's or a task's name in the reader's language."""
    reader: Reader = context["reader"]
    return in_language(row, "name", reader.language) or row.key


@register.simple_tag(takes_context=True)
def about(context: Context, row: Job | TaskFunction) -> str:
    """Write what a job or a task is for, in the reader's language."""
    reader: Reader = context["reader"]
    return in_language(row, "description", reader.language) or ""


@register.inclusion_tag("schedules/parts/sorting.html", takes_context=True)
def sorting(context: Context, key: str, words: str) -> dict[str, Any]:
    """Show a column's heading as a link that sorts by it, and say how it is sorted now."""
    request = context["request"]
    current = str(context.get("sort") or "")
    query = request.GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{key}" if current == key else key
    order = {key: "ascending", f"-{key}": "descending"}.get(current, "none")
    return {"words": words, "query": query.urlencode(), "order": order}


@register.filter
def spec(value: dict[str, Any] | None) -> str:
    """Write a stored timetable: in words where it can be read."""
    if not value:
        return "-"
    try:
        return in_words(from_spec(value))
    except (ValueError, KeyError, TypeError):
        return str(value)


@register.filter
def changes(entry: AuditEntry, reader: Reader) -> list[dict[str, str]]:
    """Return what an audit entry changed, by field; arguments for who may see them."""
    before, after = entry.before or {}, entry.after or {}
    return [
        {"name": name, "before": HIDDEN, "after": HIDDEN}
        if reader.is_hidden(name)
        else {"name": name, "before": _plain(before.get(name)), "after": _plain(after.get(name))}
        for name in {**before, **after}
    ]


def _plain(value: Any) -> str:
    value = redacted(value)
    if value is None or value == "":
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def worker(run: Run, names: dict[UUID, str]) -> str:
    """Return the name of the Beat or worker that ran, or decided about, a run."""
    return names.get(run.instance_id, "-") if run.instance_id else "-"
