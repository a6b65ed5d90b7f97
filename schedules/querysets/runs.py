"""Questions about runs, and the claim."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connections, models

from schedules.querysets.claim import claim_statement
from schedules.querysets.clock import DatabaseNow
from schedules.querysets.marks import mark_sent, mark_unsent
from schedules.querysets.statements import Statement, column_names, first_row, read_row
from schedules.states import BY_ITSELF, FINAL, UNSENT, RunState

if TYPE_CHECKING:
    from schedules.models import Run


_NOT_FOR_ITS_WORKER = (
    "idempotency_key",
    "until",
    "count",
    "publish_at",
    "sent_at",
    "sends",
    "finished_at",
    "reason",
    "summary",
    "progress",
    "suspect_reason",
    "requested_by",
    "dismissed_at",
    "created_at",
)
"""Fields that nobody asks for while a run is executed."""


UNTOLD = models.Q(state__in=sorted(UNSENT)) | models.Q(sent_at__isnull=True)
"""Of a run that waits: whoever was to tell the broker about it has not done so yet."""


class RunQuerySet(models.QuerySet["Run"]):
    """Runs by where they stand."""

    def waiting(self) -> "RunQuerySet":
        """Runs that no worker has taken yet: exactly those in the outbox, by a constraint."""
        return self.filter(publish_at__isnull=False)

    def running(self) -> "RunQuerySet":
        """Runs that a worker owns."""
        return self.filter(state=RunState.RUNNING)

    def unfinished(self) -> "RunQuerySet":
        """Runs without an outcome."""
        return self.exclude(state__in=FINAL)

    def finished(self) -> "RunQuerySet":
        """Runs with an outcome."""
        return self.filter(state__in=FINAL)

    def unsent(self) -> "RunQuerySet":
        """Waiting runs that the broker has not been told about since they began to wait."""
        return self.waiting().filter(UNTOLD)

    def parked(self) -> "RunQuerySet":
        """One-off calls that wait in the database until they are due."""
        return self.waiting().filter(state__in=UNSENT).exclude(origin__in=BY_ITSELF)

    def about(self, subjects: list[str]) -> "RunQuerySet":
        """Waiting runs of the given natural keys."""
        return self.waiting().filter(natural_key__in=subjects)

    def ready_to_send(self, now: datetime) -> "RunQuerySet":
        """Waiting runs that the broker should be told about, the longest due first."""
        return self.filter(publish_at__lte=now).order_by("publish_at", "id")

    def locked(self) -> "RunQuerySet":
        """The same rows, locked until commit; those another transaction holds are passed over."""
        if connections[self.db].features.has_select_for_update_skip_locked:
            return self.select_for_update(skip_locked=True, no_key=True, of=("self",))
        return self

    def expired(self, now: datetime) -> "RunQuerySet":
        """Waiting runs that may no longer start."""
        return self.waiting().filter(expires_at__lt=now)

    def owned(self, *, run_id: int, attempt: int) -> "RunQuerySet":
        """The run, if this attempt still owns it. All that an attempt writes goes through here."""
        return self.filter(pk=run_id, attempt=attempt, state=RunState.RUNNING)

    def mark_sent(self, task_ids: list[UUID]) -> int:
        """Note that the broker has been told of those that are still on their way to it."""
        return mark_sent(connections[self.db], task_ids)

    def mark_unsent(self, task_ids: list[UUID]) -> int:
        """Note that the broker could not be told: the outbox offers those that wait at once."""
        return mark_unsent(connections[self.db], task_ids)

    def send_again(self) -> int:
        """Have the outbox send those that wait at once, as never sent: their messages are used up
        or lost. Return how many they are.
        """
        return self.waiting().update(publish_at=DatabaseNow(), state=RunState.PLANNED)

    def claim(self, task_id: UUID, *, task: str, instance_id: UUID, pid: int) -> "Run | None":
        """Take the run for this process and return it; None if it is not to be had (any more).

        One conditional UPDATE, so of any number of deliveries exactly one gets the run. It also
        takes the lowest free slot of the job. Without a free slot a constraint refuses the
        statement: IntegrityError, and the run goes on waiting.
        """
        statement = self.claim_statement(task_id, task=task, instance_id=instance_id, pid=pid)
        return self.read_claimed(first_row(connections[self.db], statement))

    def claim_statement(
        self, task_id: UUID, *, task: str, instance_id: UUID, pid: int
    ) -> Statement:
        """Return the claim for who executes it together with another statement."""
        return claim_statement(
            connections[self.db].vendor,
            columns=column_names(self.model, *_NOT_FOR_ITS_WORKER),
            task_id=task_id,
            task=task,
            instance_id=instance_id,
            pid=pid,
        )

    def read_claimed(self, row: Sequence[Any] | None) -> "Run | None":
        """Return the run that the claim has returned as a row, if it has."""
        if row is None:
            return None
        return read_row(self.model, row, *_NOT_FOR_ITS_WORKER, using=self.db)
