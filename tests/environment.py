"""Loaded before the settings: gives a test run a directory and a database of its own.

Without it the tests would speak to the broker of a `./run up` in the same checkout.
"""

import atexit
import gc
import os
import shutil
import tempfile

FOREIGN = (
    "ADMIN_PASSWORD",
    "ALLOWED_HOSTS",
    "BROKER_URL",
    "ENABLE_MEETING_STATUS_UPDATES",
    "EMAIL_URL",
    "ENVIRONMENT",
    "FLOWER_BASIC_AUTH",
    "HR_RECIPIENTS",
    "MANAGEMENT_COMMANDS",
    "MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS",
    "REDIS_URL",
    "SCHEDULER_JOBSTORE_URL",
    "SECRET_KEY",
    "TIME_ZONE",
    "WORKFORCE_GRPC_CA",
    "WORKFORCE_GRPC_DEADLINE_SECONDS",
    "WORKFORCE_GRPC_TARGET",
    "WORKFORCE_GRPC_TLS",
    "WORKFORCE_GRPC_TOKEN",
)

if "DOWNBEAT_TESTS" not in os.environ:  # not again in a Python that a test starts
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ["DATA_DIR"] = os.environ["DOWNBEAT_TESTS"] = tempfile.mkdtemp(
        prefix="downbeat-tests-"
    )
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

# What importing makes stays, and the collector would go through it again and again: a quarter of
# the time until the first test. tests/conftest.py lets it go on from there.
gc.disable()
