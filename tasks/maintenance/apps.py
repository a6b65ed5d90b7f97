"""The Django app of the maintenance."""

from django.apps import AppConfig
from django.core import checks


class MaintenanceConfig(AppConfig):
    """Maintenance, under the label `maintenance`; it has no tables of its own."""

    name = "tasks.maintenance"
    label = "maintenance"
    verbose_name = "Maintenance"

    def ready(self) -> None:
        """Let `manage.py check` say which of the commands in the settings do not exist."""
        from tasks.maintenance.commands import check_commands

        checks.register(check_commands, "settings")
