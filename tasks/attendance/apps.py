"""The Django app of the attendance."""

from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    """Attendance, under the label `attendance`."""

    name = "tasks.attendance"
    label = "attendance"
    verbose_name = "Attendance"
    default_auto_field = "django.db.models.BigAutoField"
