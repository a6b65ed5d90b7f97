"""The product's settings, with the sample jobs beside its own."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "chaos"]
CELERY_INCLUDE = ["chaos.jobs"]
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5  # seconds; a rolling deploy does not wait longer here
