"""The jobs that are measured: one that does nothing, and one that writes down when it is run."""

from bench.marks import mark
from schedules.public import Overlap, job

NOOP = "ours.noop"
NOTE = "ours.note"


@job(idempotent=True)
def noop() -> None:
    """Do nothing."""


@job(idempotent=True, max_instances=10, overlap=Overlap.ALLOW)
def note(name: str) -> None:
    """Write down the time under a name."""
    mark(name)
