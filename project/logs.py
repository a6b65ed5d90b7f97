"""How log lines look, and the one place that sets logging up, in Celery's processes too."""

import logging
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any

from celery.app.log import Logging
from django.conf import settings

# What every record has; the rest came as `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "data",
    "request",
    "server_time",
}


class LineFormatter(logging.Formatter):
    """One line: instant in UTC, level, logger, sentence, then the `extra` values as key=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatTime(  # noqa: N802 - the name is logging's
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        """Return the instant with milliseconds, for example 2026-03-01T05:00:00.012Z."""
        moment = datetime.fromtimestamp(record.created, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return the line without the traceback."""
        extra = [f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD]
        return " ".join([super().formatMessage(record), *extra])


class CeleryLogging(Logging):
    """Leaves logging to `settings.LOGGING`: lines look the same everywhere, LOG_LEVEL decides."""

    def setup_logging_subsystem(self, *args: Any, **kwargs: Any) -> bool:
        """Set logging up, or again in the same way; True tells Celery that it is done."""
        dictConfig(settings.LOGGING)
        return True
