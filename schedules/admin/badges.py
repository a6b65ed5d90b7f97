"""A state as icon, word and colour."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.operations.wording import iso_seconds, mark_of, relative


def badge(value: str | None, label: str | None = None) -> SafeString | str:
    """Return the state as a coloured word with its icon; a dash for none."""
    if not value:
        return "-"
    mark = mark_of(value)
    return format_html(
        '<span class="scheduler-badge scheduler-{}"><span aria-hidden="true">{}</span> {}</span>',
        mark.tone,
        mark.icon,
        label or mark.word,
    )


def moment(instant: datetime | None, *, now: datetime) -> SafeString | str:
    """Return an instant in UTC and how far it is away; a dash for none."""
    if instant is None:
        return "-"
    shown = iso_seconds(instant)
    return format_html(
        '<time datetime="{}">{}</time> <span class="scheduler-far">{}</span>',
        shown,
        shown.replace("T", " ").replace("Z", " UTC"),
        relative(instant, now=now),
    )
