"""Facts, sent after they are committed. Rules never live in a receiver."""

from django.dispatch import Signal

run_suspect = Signal()
"""A run that succeeded did not stand its checks. Arguments: `run_id` (int)."""

run_finished = Signal()
"""A run has its outcome. Arguments: `run_id` (int), `state` (RunState)."""
