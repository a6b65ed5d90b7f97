"""Waiting for a fact: the one place where code outside the engine sleeps and looks again."""

import time
from collections.abc import Callable
from datetime import timedelta

LOOK_AGAIN = timedelta(seconds=0.05)


class WaitedTooLong(Exception):
    """A fact did not come about in time; the message names it."""


def wait_until(
    fact: Callable[[], bool], *, what: str, timeout: timedelta = timedelta(seconds=30)
) -> None:
    """Return once `fact()` is true; raises WaitedTooLong, with `what` was waited for."""
    deadline = time.monotonic() + timeout.total_seconds()
    while not fact():
        if time.monotonic() > deadline:
            raise WaitedTooLong(f"Waited {timeout.total_seconds():g} seconds for {what}.")
        time.sleep(LOOK_AGAIN.total_seconds())
