"""The Django app of the meetings."""

from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_save


class MeetingsConfig(AppConfig):
    """Meetings, under the label `meetings`."""

    name = "tasks.meetings"
    label = "meetings"
    verbose_name = "Meetings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """See to meetings that `loaddata` writes past `Meeting.save`."""
        sender = self.get_model("Meeting")
        post_save.connect(_note_loaded, sender=sender, dispatch_uid="meetings.loaded")


def _note_loaded(*, raw: bool, using: str, **_: Any) -> None:
    """Look for meetings without a run once what is loaded has been committed: their runs may be
    among it. Once for all of them.
    """
    waiting = transaction.get_connection(using).run_on_commit
    if raw and _recover not in [function for _, function, *_ in waiting]:
        transaction.on_commit(_recover, using=using, robust=True)


def _recover() -> None:
    from tasks.meetings.scheduling import ensure_scheduled_jobs_for_existing_meetings

    ensure_scheduled_jobs_for_existing_meetings()
