"""What a run says while it works: log lines and progress, kept bounded, written now and then.

Losing some of it does no harm, so nothing here ever fails a body, waits in a transaction of its
own, or writes more often than somebody could read.
"""

import logging
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction

from schedules.models import Run
from schedules.redaction import redact

log = logging.getLogger(__name__)

PACE = timedelta(seconds=2)
"""How often a run's words are written while it works. A shorter run writes them with its end."""

MOST_AT_THE_START = 16_000
MOST_AT_THE_END = 48_000
"""Characters that are kept of a long log; what lies between is counted."""

LONGEST_LINE = 4_000


class Pages:
    """A log that keeps its beginning and its end."""

    def __init__(self, before: str = "") -> None:
        self._start: list[str] = []
        self._start_size = 0
        self._end: deque[str] = deque()
        self._end_size = 0
        self._left_out = 0
        for line in before.splitlines():
            self.add(line)

    def add(self, line: str) -> None:
        """Add one line; of an endless one its beginning."""
        line = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
        size = len(line) + 1
        if not self._end and self._start_size + size <= MOST_AT_THE_START:
            self._start.append(line)
            self._start_size += size
            return
        self._end.append(line)
        self._end_size += size
        while self._end_size > MOST_AT_THE_END:
            self._end_size -= len(self._end.popleft()) + 1
            self._left_out += 1

    def text(self) -> str:
        """Return the whole, with a word about what is left out."""
        gap = [f"… {self._left_out} lines left out …"] if self._left_out else []
        return "".join(f"{line}\n" for line in [*self._start, *gap, *self._end])


class Journal:
    """The words of one attempt of a run, from its claim to its end.

    Used by the thread that runs the body, on its connection.
    """

    def __init__(self, row: Run) -> None:
        self._row = row
        self._pages = Pages(row.log)
        self._progress: dict[str, Any] | None = None
        self._has_lines = False
        self._written_at = time.monotonic()
        if row.log:
            self._pages.add(f"— attempt {row.attempt} —")

    @property
    def has_news(self) -> bool:
        """Whether `write` has something to write."""
        return self._has_lines or self._progress is not None

    def add(self, text: str) -> None:
        """Add the lines of `text` to the run's log."""
        for line in redact(text).splitlines():
            self._pages.add(_plain(line))
            self._has_lines = True
        self.write_now_and_then()

    def note_progress(self, done: int, total: int | None) -> None:
        """Say how far the work is."""
        self._progress = {"done": done, "total": total}
        self.write_now_and_then()

    def write_now_and_then(self) -> None:
        """Write what is new, unless something was written just now or a transaction is open.

        Inside one nobody would see it before the commit, and a rollback would take it back.
        """
        if time.monotonic() - self._written_at < PACE.total_seconds():
            return
        if transaction.get_connection().in_atomic_block:
            return
        self._written_at = time.monotonic()
        try:
            self.write()
        except (DatabaseError, InterfaceError) as error:
            log.debug("The words of run %s could not be written: %s", self._row.task_id, error)
        else:
            self._has_lines, self._progress = False, None

    def write(self) -> None:
        """Write what is new in one statement; nothing, if nothing is. Raises DatabaseError.

        In the transaction that ends the attempt. It stays new: should that be rolled back, the
        next end has the same words.
        """
        news: dict[str, Any] = {}
        if self._has_lines:
            news["log"] = self._pages.text()
        if self._progress is not None:
            news["progress"] = self._progress
        if news:
            owned = Run.objects.owned(run_id=self._row.pk, attempt=self._row.attempt)
            owned.update(**news)


def line_of(record: logging.LogRecord, message: str) -> str:
    """Return a log record as a line of the run's log: instant, level, sentence."""
    moment = datetime.fromtimestamp(record.created, UTC)
    milliseconds = moment.microsecond // 1000
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z {record.levelname} {message}"


def _plain(line: str) -> str:
    """Return the line without what would steer a terminal or turn text around.

    No database stores U+0000.
    """
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in line)
