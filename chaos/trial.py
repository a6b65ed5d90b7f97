"""One run from the start of the servers to the judgement."""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos import faults
from chaos.evidence import Evidence
from chaos.faults import CALM_SECONDS, WARM_UP_SECONDS, Burst, Injected
from chaos.injector import Injector
from chaos.judgement import Judgement, judge
from chaos.plants import PLANTS
from chaos.system import Target, downbeat, ground, running, unfinished
from chaos.witness import testimony
from chaos.workload import PULSE

QUIET_SECONDS = 60.0
"""How long the system is left alone at the end, at least."""

PATIENCE_SECONDS = 120.0
"""How long it may take then to finish what was due: a lease until a dead worker is believed dead,
one more after the database was away, and the tries that follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to run."""

    minutes: float
    seed: int
    database: str
    plant: str | None = None
    quiet_seconds: float = QUIET_SECONDS


def say(line: str) -> None:
    """Tell a person how far it is. The result alone goes to standard output."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def run(wish: Wish) -> Judgement:
    """Start everything, do the faults, stop everything, and judge."""
    with tempfile.TemporaryDirectory(prefix="downbeat-chaos-") as folder, ExitStack() as stack:
        base = stack.enter_context(ground(Path(folder), database=wish.database))
        if base.clock is None:
            say(f"the host clock stays as it is: {base.no_clock}")
        bursts = faults.plan(
            wish.seed,
            minutes=wish.minutes,
            among=faults.kinds(
                database_server=base.database is not None, clock=base.clock is not None
            ),
            first=PLANTS[wish.plant].first if wish.plant else (),
        )
        target = downbeat(base, plant=wish.plant)
        with running(target, seed=wish.seed):
            started_at = target.books.now()
            injector = Injector(base, [target])
            stack.callback(injector.heal)
            say(f"running; {len(bursts)} bursts of {faults.FAULTS_PER_BURST} faults to come")
            try:
                done = _bursts(injector, target, bursts)
            finally:
                injector.heal()
            until = target.books.now()
            _quiet(target, until, seconds=wish.quiet_seconds)
            quiet_until = target.books.now()
        evidence = Evidence.gather(
            target.books,
            list(testimony(target.witness)),
            injector.done,
            started_at=started_at,
            until=until,
            quiet_until=quiet_until,
        )
        superseded = target.stack.log().count("Its effects were rolled back")
        return judge(evidence, done, in_time=wish.plant is None, superseded=superseded)


def _bursts(
    injector: Injector, target: Target, bursts: Sequence[Burst]
) -> list[Sequence[Injected]]:
    began = time.monotonic()
    time.sleep(WARM_UP_SECONDS)
    done: list[Sequence[Injected]] = []
    for number, burst in enumerate(bursts, start=1):
        injected = injector.inject(burst)
        injector.heal()
        done.append(injected)
        end = datetime.now(UTC)
        time.sleep(CALM_SECONDS)
        kinds = ", ".join(note.kind for note in injected)
        say(
            f"burst {number}/{len(bursts)}, {time.monotonic() - began:.0f} s,"
            f" {_recovery(target, end)}: {kinds}"
        )
    return done


def _recovery(target: Target, end: datetime) -> str:
    since = end.strftime("%Y-%m-%d %H:%M:%S.%f")
    try:
        rows = target.books.rows(
            "SELECT finished_at FROM schedules_run WHERE state = 'succeeded'"
            f" AND job_key = '{PULSE}' AND scheduled_at >= '{since}' ORDER BY finished_at LIMIT 1"
        )
    except OSError:
        return "the database does not answer"
    if not rows:
        return "not recovered yet"
    at = rows[0][0]
    if isinstance(at, str):
        at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return f"recovered in {(at - end).total_seconds():.1f} s"


def _quiet(target: Target, until: datetime, *, seconds: float) -> None:
    say(f"no more faults; quiet for {seconds:g} s")
    time.sleep(seconds)
    deadline = time.monotonic() + max(PATIENCE_SECONDS - seconds, 0)
    while unfinished(target.books, before=until - timedelta(seconds=1)) != 0:
        if time.monotonic() > deadline:
            return
        time.sleep(1)
