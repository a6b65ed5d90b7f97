"""Counting SQL statements by their kind, so that batches of different sizes can be compared."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def statements(work: Callable[[], Any]) -> list[str]:
    """Do the work and return its statements, each by its first words.

    Neighbours of one kind count once: Django cuts a long insert on SQLite at 999 parameters.
    """
    with CaptureQueriesContext(
        connection,
    ) as captured:
        work()
    kinds = [" ".join(query["sql"].split()[:3]) for query in captured.captured_queries]
    kinds = ["SAVEPOINT" if "SAVEPOINT" in kind else kind for kind in kinds]
    return [kind for kind, _ in groupby(kinds)]
