"""Writing many rows in few transactions, so that one that cannot be written stops only itself."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import InterfaceError, OperationalError, transaction

log = logging.getLogger(__name__)

Item = TypeVar("Item")


def write_together(items: Sequence[Item], write: Callable[[Sequence[Item]], set[int]]) -> set[int]:
    """Have the `items` written in one transaction; return what `write` does: the numbers of the
    rows.

    Where it fails, each half is tried alone, down to the one that it fails for, which is logged. A
    database that is away is raised.
    """
    if not items:
        return set()
    try:
        with transaction.atomic():
            return write(items)
    except (OperationalError, InterfaceError):
        raise  # tells nothing about the rows
    except Exception:
        if len(items) == 1:
            log.exception(
                "One of many rows could not be written, and is left as it is.",
                extra={"action": "row_broken"},
            )
            return set()
    half = len(items) // 2
    return write_together(items[:half], write) | write_together(items[half:], write)
