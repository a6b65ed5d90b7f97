"""A simulation as JSON, for CLI and API."""

from collections import Counter
from datetime import timedelta
from typing import Any

from schedules.operations.simulation.clock import Lived
from schedules.operations.simulation.simulate import Simulation
from schedules.operations.wording import iso

MILLISECOND = timedelta(milliseconds=1)


def simulation_shape(simulation: Simulation) -> dict[str, Any]:
    """Return what became of all jobs: each occurrence is in exactly one of a job's numbers."""
    at, number = simulation.most_at_once
    return {
        "from": iso(simulation.begin),
        "to": iso(simulation.end),
        "occurrences": sum(lived.occurrences for lived in simulation.jobs),
        "busiestMinutes": [
            {"at": iso(minute), "starts": starts} for minute, starts in simulation.busiest
        ],
        "mostAtOnce": {"at": iso(at), "running": number},
        "items": [_lived(lived) for lived in simulation.jobs],
    }


def _lived(lived: Lived) -> dict[str, Any]:
    by_state: Counter[str] = Counter()
    for (state, _), number in lived.fates.items():
        by_state[state] += number
    return {
        "jobKey": lived.job.key,
        "lengthMs": lived.job.length // MILLISECOND,
        "isLengthKnown": lived.job.is_known,
        "occurrences": lived.occurrences,
        "ran": lived.ran,
        "skipped": by_state["skipped"],
        "missed": by_state["missed"],
        "cancelled": lived.cancelled,
        "waiting": lived.waiting,
        "reasons": [
            {"state": state, "reason": reason, "number": number}
            for (state, reason), number in lived.fates.most_common(10)
        ],
        "slotsExhausted": lived.no_slot,
        "firstExhausted": [iso(at) for at in lived.first_no_slot],
        "longestWaitMs": lived.longest_wait // MILLISECOND,
    }
