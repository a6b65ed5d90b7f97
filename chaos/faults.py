"""Which faults happen when: a function of the seed and of what the system has, and nothing else."""

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

LEASE_SECONDS = 30.0
"""How long the product believes a heartbeat; a longer freeze has its runs taken away."""

FAULTS_PER_BURST = 10
CALM_SECONDS = 30.0
WARM_UP_SECONDS = 10.0


class Kind(StrEnum):
    """The kinds of faults."""

    KILL_BEAT = "kill -9 of Beat"
    KILL_WORKER = "kill -9 of a worker"
    KILL_CHILD = "kill -9 of a worker's child"
    TERM_BEAT = "TERM and restart of Beat"
    TERM_WORKER = "TERM and restart of a worker"
    FREEZE_BEAT = "freeze of Beat"
    FREEZE_WORKER = "freeze of a worker"
    FREEZE_CHILD = "freeze of a worker's child"
    FREEZE_PAST_LEASE = "freeze of a worker past its lease"
    FLUSH = "FLUSHALL"
    KILL_BROKER = "kill -9 of the broker"
    CUT_BROKER = "broker connections reset"
    REFUSE_BROKER = "broker connections refused"
    SILENCE_BROKER = "broker blackholed"
    LOSE_BROKER_REPLY = "broker's reply lost"
    STOP_DATABASE = "database stopped at once"
    KILL_POSTMASTER = "kill -9 of the postmaster"
    KILL_BACKEND = "kill -9 of a database backend"
    CUT_DATABASE = "database connections reset"
    REFUSE_DATABASE = "database connections refused"
    SILENCE_DATABASE = "database blackholed"
    LOSE_DATABASE_REPLY = "database's reply lost"
    HOLD_ROWS = "rows held by an open transaction"
    CLOCK_FORWARD = "host clock +1 h"
    CLOCK_BACK = "host clock -1 h"


DATABASE = frozenset(
    {
        Kind.STOP_DATABASE,
        Kind.KILL_POSTMASTER,
        Kind.KILL_BACKEND,
        Kind.CUT_DATABASE,
        Kind.REFUSE_DATABASE,
        Kind.SILENCE_DATABASE,
        Kind.LOSE_DATABASE_REPLY,
    }
)
"""Those that take the database away for a while."""

SERVER = DATABASE | {Kind.HOLD_ROWS}
"""Those that need a database server."""

CLOCK = frozenset({Kind.CLOCK_FORWARD, Kind.CLOCK_BACK})
"""Those that need the shim, and a database whose clock is not the host's."""

LASTING: dict[Kind, tuple[float, float]] = {
    Kind.FREEZE_BEAT: (1.0, 20.0),
    Kind.FREEZE_WORKER: (1.0, 20.0),
    Kind.FREEZE_CHILD: (1.0, 20.0),
    Kind.FREEZE_PAST_LEASE: (LEASE_SECONDS + 2, LEASE_SECONDS + 10),
    Kind.KILL_BROKER: (0.2, 4.0),
    Kind.REFUSE_BROKER: (0.5, 6.0),
    Kind.SILENCE_BROKER: (0.5, 15.0),
    Kind.STOP_DATABASE: (0.0, 3.0),
    Kind.KILL_POSTMASTER: (0.0, 3.0),
    Kind.REFUSE_DATABASE: (0.5, 6.0),
    Kind.SILENCE_DATABASE: (0.5, 15.0),
    Kind.HOLD_ROWS: (1.0, 15.0),
    Kind.CLOCK_FORWARD: (2.0, 15.0),
    Kind.CLOCK_BACK: (2.0, 15.0),
}
"""How long these last, in seconds: at least and at most. The others are an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: `at` seconds after its burst's begin, for `lasting` seconds.

    `pick` chooses among equals: which Beat, which child, which message.
    """

    kind: Kind
    at: float
    lasting: float
    pick: int


Burst = tuple[Fault, ...]


@dataclass(slots=True)
class Injected:
    """One fault as it was done. The instants are the true host clock's, and so PostgreSQL's."""

    kind: Kind
    began_at: datetime
    ended_at: datetime
    killed: set[int] = field(default_factory=set)
    """Process ids that it ended."""


def kinds(*, database_server: bool, clock: bool) -> list[Kind]:
    """Return the kinds that a system can suffer."""
    return [
        kind
        for kind in Kind
        if (database_server or kind not in SERVER) and (clock or kind not in CLOCK)
    ]


def plan(
    seed: int, *, minutes: float, among: Collection[Kind], only: Collection[Kind] = ()
) -> list[Burst]:
    """Return the bursts that fill `minutes`, calm included; at least one.

    Kinds are dealt like cards, so that each comes before any comes again. With `only`, each burst
    has these faults and no others.
    """
    chance = random.Random(seed)
    deck: list[Kind] = []
    bursts: list[Burst] = []
    left = minutes * 60 - WARM_UP_SECONDS
    while not bursts or left > 0:
        chosen = list(only)
        while not only and len(chosen) < FAULTS_PER_BURST:
            if not deck:
                deck = chance.sample(list(among), len(among))
            chosen.append(deck.pop())
        chance.shuffle(chosen)
        burst = _burst(chosen, chance)
        bursts.append(burst)
        left -= length(burst) + CALM_SECONDS
    return bursts


def length(burst: Burst) -> float:
    """Return the seconds from a burst's begin to the end of its last fault."""
    return max(fault.at + fault.lasting for fault in burst)


def _burst(chosen: list[Kind], chance: random.Random) -> Burst:
    faults: list[Fault] = []
    at = 0.0
    for kind in chosen:
        least, most = LASTING.get(kind, (0.0, 0.0))
        lasting = round(chance.uniform(least, most), 2)
        faults.append(
            Fault(kind=kind, at=round(at, 2), lasting=lasting, pick=chance.getrandbits(16))
        )
        at += chance.uniform(0.2, 2.5)
    return tuple(faults)
