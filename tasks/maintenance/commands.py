"""The management commands of `settings.MANAGEMENT_COMMANDS`, each in a process of its own.

A caller can only choose among their names; what they run with stands in the settings.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import IO, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.management import get_commands
from django.db.models import TextChoices

from tasks.maintenance import together

MOST_CHARACTERS = 10_000
"""The end of a command's output that is kept; so much of its errors as well."""


TOGETHER = (sys.executable, "-I", "-S", together.__file__)
"""A program that ends the command when this worker is killed."""

LISTEN_EVERY = timedelta(seconds=1)
MOST_AT_ONCE = 100_000
"""Bytes of a command's output that are passed on in one go."""


class Outcome(TextChoices):
    """How a command ended."""

    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    TIMED_OUT = "timed_out", "timed out"


def run_command(name: str, *, time_limit: timedelta, say: Callable[[str], None]) -> dict[str, Any]:
    """Run the configured command of this name and return how it ended; it raises nothing of the
    command's.

    What it prints goes to `say` while it runs. The result has `name`, `command`, `status` (an
    `Outcome`), `exit_code` (None when it was stopped), `duration_ms`, and the ends of `output` and
    `error`. A command that takes longer than `time_limit` is stopped together with what it has
    started.
    """
    words: Sequence[str] = settings.MANAGEMENT_COMMANDS[name]
    begin = time.monotonic()
    # Files and not pipes: a command may print more than memory holds.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
        exit_code = _run(words, output, error, time_limit=time_limit, say=say)
        if exit_code is None:
            status, said = Outcome.TIMED_OUT, f"stopped after {time_limit.total_seconds():g} s\n"
        else:
            status, said = Outcome.FAILED if exit_code else Outcome.SUCCEEDED, ""
        return {
            "name": name,
            "command": " ".join(words),
            "status": str(status),
            "exit_code": exit_code,
            "duration_ms": round((time.monotonic() - begin) * 1000),
            "output": _end_of(output),
            "error": said + _end_of(error),
        }


def limit_of_all() -> timedelta:
    """Return how long all configured commands may take together."""
    seconds = settings.MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS
    return timedelta(seconds=seconds) * max(1, len(settings.MANAGEMENT_COMMANDS))


def check_commands(**_: Any) -> list[CheckMessage]:
    """Return an error for each configured command that Django does not have."""
    configured: Mapping[str, Sequence[str]] = settings.MANAGEMENT_COMMANDS
    known = get_commands()
    return [
        Error(
            f"MANAGEMENT_COMMANDS names {words[0]!r}, which is not a management command.",
            hint="manage.py help lists those there are.",
            id="maintenance.E001",
        )
        for words in configured.values()
        if words[0] not in known
    ]


def _run(
    words: Sequence[str],
    output: IO[bytes],
    error: IO[bytes],
    *,
    time_limit: timedelta,
    say: Callable[[str], None],
) -> int | None:
    """Return the exit code, or None when the time was up."""
    printed = [_Printed(output), _Printed(error)]
    end = time.monotonic() + time_limit.total_seconds()
    process = subprocess.Popen(  # noqa: S603 - the words stand in the settings
        [*TOGETHER, sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,  # never written to: it ends when this worker does
        stdout=output,
        stderr=error,
        start_new_session=True,  # so that all it starts can be stopped with it
    )
    try:
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(min(left, LISTEN_EVERY.total_seconds()))
            for each in printed:
                each.pass_on(say)
        return None
    finally:
        # Also when this job itself is stopped; and what a command left running behind it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        for each in printed:
            each.pass_on(say, rest=True)


class _Printed:
    """What a command has written to a file, line by line as it comes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._read = 0

    def pass_on(self, say: Callable[[str], None], *, rest: bool = False) -> None:
        """Say the lines that are whole by now; with `rest` also one without its end."""
        size = os.fstat(self._file.fileno()).st_size
        if size - self._read > MOST_AT_ONCE:
            self._read = size - MOST_AT_ONCE  # nobody could read so much
        found = os.pread(self._file.fileno(), size - self._read, self._read)
        whole = found if rest else found[: found.rfind(b"\n") + 1]
        self._read += len(whole)
        if whole:
            say(whole.decode(errors="replace"))


def _end_of(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 4 * MOST_CHARACTERS))
    return file.read().decode(errors="replace").replace("\x00", "")[-MOST_CHARACTERS:]
