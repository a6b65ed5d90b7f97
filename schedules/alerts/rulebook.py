"""The rules in force, as every process keeps them for a few seconds.

A run's end asks for them each time; a table that hardly ever changes must not cost each run a
statement.
"""

import time
from collections.abc import Sequence
from threading import Lock

from schedules.models import AlertRule
from schedules.querysets.statements import is_any

KEPT_SECONDS = 5.0
"""The time within which a change of a rule counts in every process."""

_lock = Lock()
_read: tuple[float, Sequence[AlertRule]] | None = None


def rules_in_force() -> Sequence[AlertRule]:
    """Return the enabled rules with at least one enabled channel; channels are loaded with them.

    Whether one is muted depends on the instant: ask `decide.is_muted`.
    """
    global _read
    with _lock:
        if _read is None or time.monotonic() - _read[0] > KEPT_SECONDS:
            # Apart: one join of it all took every process two milliseconds to have planned, every
            # ten seconds, also where there is no rule. To have the rows of none planned took one.
            rules = AlertRule.objects.filter(is_enabled=True).prefetch_related("job", "channels")
            found = rules if is_any(rules) else ()
            heard = [rule for rule in found if any(to.is_enabled for to in rule.channels.all())]
            _read = (time.monotonic(), heard)
        return _read[1]


def forget() -> None:
    """Drop what this process remembers, so that its own changes count at once."""
    global _read
    with _lock:
        _read = None
