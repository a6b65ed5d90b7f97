"""Reading the audit record, a page at a time."""

from dataclasses import dataclass

from django.db.models import Q

from schedules.models import AuditEntry

MOST_SEARCHED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some entries, the newest first, and the number before which the next page begins."""

    entries: list[AuditEntry]
    before: int | None


def page_of_entries(
    *, text: str = "", source: str = "", before: int | None = None, limit: int
) -> AuditPage:
    """Return entries that fit, the newest first. `text` is part of who, what, or why."""
    entries = AuditEntry.objects.order_by("-id")
    if before is not None:
        entries = entries.filter(pk__lt=before)
    if text or source:
        end = next(
            iter(entries.values_list("pk", flat=True)[MOST_SEARCHED : MOST_SEARCHED + 1]), None
        )
        if end is not None:
            entries = entries.filter(pk__gt=end)
    if source:
        entries = entries.filter(source=source)
    if text:
        entries = entries.filter(
            Q(actor__icontains=text)
            | Q(action__icontains=text)
            | Q(subject__icontains=text)
            | Q(reason__icontains=text)
        )
    found = list(entries[: limit + 1])
    following = found[limit - 1].pk if len(found) > limit else None
    return AuditPage(entries=found[:limit], before=following)
