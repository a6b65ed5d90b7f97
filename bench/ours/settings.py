"""The product's settings, and the jobs of the measurements beside its own."""

import os

from project.settings import *  # noqa: F403

CELERY_INCLUDE = ["bench.ours.jobs", "bench.statements"]
if "BENCH_KOMBU_ALONE" in os.environ:
    CELERY_INCLUDE.append("bench.ours.listener")
