"""Django settings of django-q2 with Redis as its broker and its results in the database."""

import json
import os
from urllib.parse import urlsplit

_at = json.loads(os.environ["BENCH_DATABASE"])
_broker = urlsplit(os.environ["BENCH_BROKER"])
SECRET_KEY = "of a measurement"  # noqa: S105 - nothing is signed that anybody could forge
INSTALLED_APPS = ["django.contrib.contenttypes", "django_q"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **_at}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
Q_CLUSTER = {
    "name": "bench",
    "workers": 2,
    "timeout": 60,
    "retry": 120,
    "save_limit": 0,  # every outcome is kept
    "scheduler": False,
    "log_level": "WARNING",
    "redis": {"host": _broker.hostname, "port": _broker.port, "password": _broker.password},
}
