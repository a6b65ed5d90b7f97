"""The jobs of a chaos run as plain values: what they do, when, and what is promised of each.

The workers' declarations, the oracle and the stock system's rows are all made from this list.
"""

from dataclasses import dataclass
from typing import Literal

Body = Literal["atomic", "fenced", "once", "flaky", "poison"]
"""What a body does.

atomic: leaves its effect in one transaction with its success.
fenced: works for a while, then commits effect, result and success while it owns the run.
once: works for a while outside the database; may not run twice (`on_lost="fail"`).
flaky: atomic, and raises at its first try and sometimes at its second.
poison: kills the process that executes it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One job. Durations are seconds; `grace_seconds` None means however late."""

    key: str
    every_seconds: int | None = None
    cron: str = ""
    zone: str = "UTC"
    body: Body = "atomic"
    work_seconds: float = 0.0
    max_instances: int = 1
    overlap: str = "skip"
    grace_seconds: float | None = 60.0
    coalesce: bool = True
    jitter_seconds: float = 0.0
    max_retries: int = 0
    unobstructed: bool = False
    """Nothing of its policy may delay it, so its lateness is the system's."""

    complete: bool = False
    """Every one of its occurrences has to succeed."""


SAMPLES = {
    sample.key: sample
    for sample in (
        # What recovery is read from: its newest occurrence says how current the system is.
        Sample(key="pulse", every_seconds=1, max_instances=10, overlap="allow", unobstructed=True),
        Sample(
            key="complete",
            every_seconds=3,
            max_instances=2,
            overlap="queue_all",
            grace_seconds=None,
            coalesce=False,
            complete=True,
        ),
        Sample(key="skip", every_seconds=3, body="once", work_seconds=1.2),
        Sample(
            key="queue_one", every_seconds=5, body="fenced", work_seconds=2.0, overlap="queue_one"
        ),
        Sample(
            key="queue_all",
            every_seconds=4,
            body="fenced",
            work_seconds=1.0,
            overlap="queue_all",
            coalesce=False,
            grace_seconds=None,
        ),
        Sample(
            key="cancel_running",
            every_seconds=11,
            body="fenced",
            work_seconds=7.0,
            overlap="cancel_running",
        ),
        Sample(
            key="allow",
            every_seconds=2,
            body="fenced",
            work_seconds=1.0,
            max_instances=3,
            overlap="allow",
        ),
        Sample(
            key="long",
            every_seconds=8,
            body="fenced",
            work_seconds=11.0,
            max_instances=2,
            overlap="allow",
        ),
        Sample(key="strict", every_seconds=3, grace_seconds=3.0, unobstructed=True),
        Sample(key="jitter", every_seconds=5, jitter_seconds=2.0, unobstructed=True),
        Sample(key="flaky", every_seconds=5, body="flaky", max_retries=3, max_instances=10),
        Sample(key="switched", every_seconds=2, max_instances=10, overlap="allow"),
        Sample(key="minutely", cron="* * * * *", zone="Australia/Lord_Howe"),
        Sample(key="cron", cron="*/2 * * * *", zone="Asia/Jakarta"),
        Sample(key="poison", cron="* * * * *", body="poison", max_instances=3),
    )
}

SWITCHED = "switched"
"""The job that the client switches off and on."""

PULSE = "pulse"

CHAIN = 3
"""Steps of each chain that the client starts."""

TASK_PREFIX = "chaos."
ONE_OFF = "one_off"
"""The function, and so the end of the task's name, of the calls that the client makes."""
