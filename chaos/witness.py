"""The second log: a file that bodies and the client append to, and that no database knows of.

A line is JSON. `at` is the machine's monotonic clock in seconds: the same in every process, and
not moved by a shifted host clock.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WITNESS_FILE = "CHAOS_WITNESS_FILE"
"""Environment variable with the path of the file."""


def testify(event: str, **facts: Any) -> None:
    """Append a line in one write, so that lines of several processes never mix."""
    line = json.dumps({"event": event, "at": time.monotonic(), "pid": os.getpid(), **facts})
    descriptor = os.open(os.environ[WITNESS_FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def testimony(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what was witnessed, in order."""
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)
