"""The Celery app of the shop."""

import os

from schedules.app import Downbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Downbeat("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
