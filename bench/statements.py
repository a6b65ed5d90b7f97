"""Counts and times the SQL statements of a process, where a variable names the file for it.

Loaded into our workers and Beats; one line for each statement. BEGIN and COMMIT are none: Django
sends them past what it lets others watch.
"""

import os
import time
from typing import Any

from django.db.backends.signals import connection_created

FILE = "BENCH_STATEMENTS"
"""Environment variable with the path; without it nothing is watched."""

MOST_LETTERS = 160


def _watch(connection: Any, **_: Any) -> None:
    if _note not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note)


def _note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    begun = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        took = (time.perf_counter() - begun) * 1000
        words = " ".join(str(sql).split())[:MOST_LETTERS]
        line = f"{time.time():.3f}\t{took:.3f}\t{words}\n"
        descriptor = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


if FILE in os.environ:
    connection_created.connect(_watch, weak=False)
