"""Questions about meetings, and the changes of many at once that keep their runs right.

A meeting that is upcoming has exactly one waiting run, due at its end; any other meeting has none.
Every way to write the table through Django keeps that in the same transaction: the methods here for
many rows, `Meeting.save` and `Meeting.delete` for one. They do not go by the values they were given
but read the rows back, so that expressions, partial updates and conflicts are no special cases.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction

from tasks.meetings.runs import drop_ends, park_ends
from tasks.meetings.status import Status

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.meetings.models import Meeting

BATCH = 1000
"""Meetings whose runs are set right with one group of statements."""

DECISIVE = frozenset({"status", "end_time"})
"""The fields on which a meeting's run depends."""


class MeetingQuerySet(models.QuerySet["Meeting"]):
    """Meetings by where they stand. Writes keep the runs."""

    def upcoming(self) -> "MeetingQuerySet":
        """Those that have still to end."""
        return self.filter(status=Status.UPCOMING)

    def over(self, now: "datetime") -> "MeetingQuerySet":
        """Those whose end has come."""
        return self.filter(end_time__lte=now)

    def mark_done(self) -> int:
        """Set the status and leave the runs alone: for the run itself, which is about to end."""
        return super().update(status=Status.DONE)

    def keep_runs(self, ids: Sequence[int]) -> None:
        """Make the runs of these meetings what their rows ask for; joins their transaction."""
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            rows = self.model._base_manager.using(self.db).filter(pk__in=batch)
            ends = dict(rows.filter(status=Status.UPCOMING).values_list("pk", "end_time"))
            if ends:
                park_ends(ends)
            others = [pk for pk in batch if pk not in ends]
            if others:
                drop_ends(others, reason="the meeting is no longer upcoming")

    def bulk_create(
        self,
        objs: Iterable["Meeting"],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list["Meeting"]:
        """Insert as Django does, and park a run for each upcoming meeting."""
        meetings = list(objs)
        with transaction.atomic(using=self.db):
            if ignore_conflicts:
                # Such an insert does not return the keys. But nothing except the key can conflict,
                # so meetings without one can be inserted plainly.
                keyed = [meeting for meeting in meetings if meeting.pk is not None]
                new = [meeting for meeting in meetings if meeting.pk is None]
                super().bulk_create(keyed, batch_size=batch_size, ignore_conflicts=True)
                super().bulk_create(new, batch_size=batch_size)
            else:
                super().bulk_create(
                    meetings,
                    batch_size=batch_size,
                    update_conflicts=update_conflicts,
                    update_fields=update_fields,
                    unique_fields=unique_fields,
                )
            self.keep_runs([meeting.pk for meeting in meetings])
        return meetings

    def update(self, **kwargs: Any) -> int:
        """Update as Django does, and set the runs right where end or status may have changed.

        `bulk_update` comes through here, batch by batch.
        """
        if not DECISIVE & kwargs.keys():
            return super().update(**kwargs)
        with transaction.atomic(using=self.db):
            # Before the update: afterwards its rows may no longer be among those that were meant.
            ids = self._lock()
            updated = super(MeetingQuerySet, self._pinned(ids)).update(**kwargs)
            self._result_cache = None
            self.keep_runs(ids)
        return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete as Django does, and cancel the runs."""
        with transaction.atomic(using=self.db):
            ids = self._lock()
            deleted = super(MeetingQuerySet, self._pinned(ids)).delete()
            self._result_cache = None
            drop_ends(ids, reason="the meeting was deleted")
        return deleted

    # As with Django's own: not on the manager, where one slip would empty the table.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
    bulk_create.alters_data = True  # type: ignore[attr-defined]
    update.alters_data = True  # type: ignore[attr-defined]

    def _lock(self) -> list[int]:
        """Return the keys of these rows, locked until commit where the database locks rows."""
        meant = self.order_by().values("pk")
        rows = self.model._base_manager.using(self.db).filter(pk__in=meant).order_by("pk")
        return list(rows.select_for_update(no_key=True).values_list("pk", flat=True))

    def _pinned(self, ids: Sequence[int]) -> "MeetingQuerySet":
        """Return this queryset without rows that others have added to it since `_lock`.

        SQLite has one writer, who is us by now, and a limit to the number of parameters.
        """
        if connections[self.db].features.has_select_for_update:
            return self.filter(pk__in=ids)
        return self
