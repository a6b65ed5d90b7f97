"""What a meeting can be."""

from django.db.models import TextChoices


class Status(TextChoices):
    """A meeting is upcoming until it has ended or is called off."""

    UPCOMING = "upcoming", "upcoming"
    DONE = "done", "done"
    CANCELLED = "cancelled", "cancelled"
