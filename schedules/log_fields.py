"""What a log record carries beside its sentence: the values that came as `extra`."""

import logging

from schedules.redaction import MASK, is_secret_name

# What every record has; the rest came as `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "data",
    "request",
    "server_time",
}

OF_THE_RUN = frozenset({"run", "job", "attempt"})
"""What the project's own filter adds. A run's log need not say it in every line."""


def fields_of(record: logging.LogRecord) -> list[str]:
    """Return the `extra` values of the record, each as key=value.

    What stands under the name of a secret is masked; what else is secret, the caller redacts.
    """
    return [
        f"{name}={MASK if is_secret_name(name) else value}"
        for name, value in vars(record).items()
        if name not in STANDARD
    ]
