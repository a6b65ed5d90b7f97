"""The Django app of the memberships."""

from django.apps import AppConfig


class MembershipsConfig(AppConfig):
    """Memberships, under the label `memberships`."""

    name = "tasks.memberships"
    label = "memberships"
    verbose_name = "Memberships"
    default_auto_field = "django.db.models.BigAutoField"
