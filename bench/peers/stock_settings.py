"""Django settings of stock django-celery-beat and django-celery-results, as their pages say.

`BENCH_DATABASE` is the PostgreSQL's address as JSON; `BENCH_BROKER` the broker's.
"""

import json
import os

_at = json.loads(os.environ["BENCH_DATABASE"])
SECRET_KEY = "of a measurement"  # noqa: S105 - nothing is signed with it
INSTALLED_APPS = ["django_celery_beat", "django_celery_results"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **_at}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
CELERY_BROKER_URL = os.environ["BENCH_BROKER"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_TRACK_STARTED = True  # so in Celery's first steps with Django; its log then knows it
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
