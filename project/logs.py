"""How log lines look, and the one place that sets logging up, in Celery's processes too.

Every line names the run that its thread executes, with its job and attempt. No line holds a secret,
and none can be made to look like two, or to steer the terminal that shows it.
"""

import logging
import sys
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any

from celery.app.log import Logging
from django.conf import settings
from pythonjsonlogger.json import JsonFormatter

from schedules.log_fields import STANDARD, fields_of
from schedules.redaction import redact, redacted


class RunContext(logging.Filter):
    """Adds `run`, `job` and `attempt` to what is logged while a run's body works."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with what is known of the run."""
        # Settings come before the models, and with them logging: whoever logs before there are
        # models executes no run.
        module = sys.modules.get("schedules.current")
        run = module.current_run() if module is not None else None
        if run is not None and not hasattr(record, "run"):
            record.run = str(run.task_id)
            record.job = run.row.job_key or run.row.task
            record.attempt = run.attempt
        return True


class LineFormatter(logging.Formatter):
    """One line: instant in UTC, level, logger, sentence, then the `extra` values as key=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. The traceback is written anew: formatters share what one has made."""
        record.exc_text = None
        line = super().format(record)
        record.exc_text = None
        return line

    def formatTime(  # noqa: N802 - the name is logging's
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        """Return the instant with milliseconds, for example 2026-03-01T05:00:00.012Z."""
        return instant_of(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return the line without the traceback."""
        return plain(redact(" ".join([super().formatMessage(record), *fields_of(record)])))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's
        """Return the traceback, each line of it further in than any line of the log."""
        lines = redact(super().formatException(ei)).splitlines()
        return "\n".join(f"    {plain(line)}" for line in lines)


class JsonLineFormatter(JsonFormatter):
    """One JSON object: `at`, `level`, `logger`, `message`, then the `extra` values."""

    def __init__(self) -> None:
        # Everything beyond ASCII is written out, so that no text turns around or hides.
        super().__init__("%(message)s", json_ensure_ascii=True, reserved_attrs=sorted(STANDARD))

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Put the fields together, without secrets."""
        log_data.update(at=instant_of(record), level=record.levelname, logger=record.name)
        super().add_fields(log_data, record, message_dict)
        log_data.update(redacted(dict(log_data)))


class CeleryLogging(Logging):
    """Leaves logging to `settings.LOGGING`: lines look the same everywhere, LOG_LEVEL decides."""

    def setup_logging_subsystem(self, *args: Any, **kwargs: Any) -> bool:
        """Set logging up, or again in the same way; True tells Celery that it is done."""
        dictConfig(settings.LOGGING)
        return True


def instant_of(record: logging.LogRecord) -> str:
    """Return when it was logged, in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def plain(line: str) -> str:
    """Return the text on one line, with what steers a terminal or turns text around written out."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
