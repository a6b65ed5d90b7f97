"""The Django app of the meetings."""

from django.apps import AppConfig


class MeetingsConfig(AppConfig):
    """Meetings, under the label `meetings`."""

    name = "tasks.meetings"
    label = "meetings"
    verbose_name = "Meetings"
    default_auto_field = "django.db.models.BigAutoField"
