"""The plain system's Celery app: `celery -A chaos.plain beat | worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaos.plain.settings")

app = Celery("plain")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.include = ["chaos.plain.jobs"]
