"""The product's settings, and the sample jobs of these tests beside its own."""

from project.settings import *  # noqa: F403

CELERY_INCLUDE = ["tests.stack.stack_jobs"]
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 2  # seconds; nobody wants to wait for a cold shutdown
