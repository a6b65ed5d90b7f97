"""The connection of a thread that lives as long as its process, which forks nothing."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import close_old_connections, connection

LONGEST = timedelta(minutes=10)
"""How long a connection to SQLite is kept."""


class _Kept(threading.local):
    connection: Any = None
    file: tuple[int, int] | None = None


_kept = _Kept()


def keep_connection() -> None:
    """Close this thread's connections that are broken or have had their time, and keep the others.

    Also on SQLite, where Django has each request open one of its own: that takes longer than all
    that a tick without work asks. One that leads to a file which is another by now is closed.
    """
    if connection.vendor == "sqlite" and connection.connection is not None:
        file = _file_at(str(connection.settings_dict["NAME"]))
        if connection.connection is not _kept.connection:
            _kept.connection, _kept.file = connection.connection, file
            connection.close_at = time.monotonic() + LONGEST.total_seconds()
        elif file != _kept.file:
            connection.close()
    close_old_connections()


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
