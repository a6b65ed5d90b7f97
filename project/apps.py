"""Makes the project's Celery app the current one in every process that Django sets up."""

import importlib

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ProjectConfig(AppConfig):
    """The application as a whole: what belongs to no single area."""

    name = "project"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the Celery app and every declared task; importing declares them and starts
        nothing.
        """
        importlib.import_module("project.celery")
        autodiscover_modules("jobs")
