"""The Django app of the reports."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Reports, under the label `reports`."""

    name = "tasks.reports"
    label = "reports"
    verbose_name = "Reports"
    default_auto_field = "django.db.models.BigAutoField"
