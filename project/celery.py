"""The Celery app: `celery -A project beat | worker | flower`, and `python -m project.beat`."""

import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from celery.signals import beat_init, worker_process_init, worker_process_shutdown
from django.conf import settings

from project import tracing
from project.command_line import refuse_unusable_command
from schedules.app import Downbeat


def celery_settings() -> dict[str, Any]:
    """Return the `CELERY_*` settings under Celery's own names, and nothing else.

    Workers answer `inspect conf` with all that the app was given, and Flower shows the answer.
    """
    prefix = "CELERY_"
    chosen = {
        name.removeprefix(prefix).lower(): getattr(settings, name)
        for name in dir(settings)
        if name.startswith(prefix)
    }
    # Celery's part for Django asks for this one by its long name.
    return {**chosen, "CELERY_DB_REUSE_MAX": chosen.pop("db_reuse_max")}


refuse_unusable_command(sys.argv, has_broker=bool(settings.BROKER_URL), environment=os.environ)

app = Downbeat("downbeat", log="project.logs:CeleryLogging")
app.config_from_object(celery_settings())
app.autodiscover_tasks(related_name="jobs")

# In the processes that work, not in those that only fork them: the exporter has a thread.
for begun in (worker_process_init, beat_init):
    begun.connect(lambda **_: tracing.start(), weak=False, dispatch_uid="project.tracing")
worker_process_shutdown.connect(
    lambda **_: tracing.end(), weak=False, dispatch_uid="project.tracing"
)
