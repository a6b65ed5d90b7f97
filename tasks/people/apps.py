"""The Django app of the employees."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Employees, under the label `people`."""

    name = "tasks.people"
    label = "people"
    verbose_name = "People"
    default_auto_field = "django.db.models.BigAutoField"
