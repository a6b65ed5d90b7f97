"""The product's settings, and a witness beside its tasks."""

from project.settings import *  # noqa: F403

CELERY_INCLUDE = ["bench.witness"]
