"""One run from the start of the servers to the judgement."""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos import faults
from chaos.comparison import Column, Period, column
from chaos.evidence import Evidence, keep
from chaos.faults import CALM_SECONDS, WARM_UP_SECONDS, Burst, Injected
from chaos.injector import Injector
from chaos.judgement import Judgement, judge
from chaos.plants import PLANTS
from chaos.system import Ground, Target, downbeat, ground, plain, running, unfinished
from chaos.witness import testimony
from chaos.workload import PULSE

QUIET_SECONDS = 60.0
"""How long the system is left alone at the end, at least."""

PATIENCE_SECONDS = 120.0
"""How long it may take then to finish what was due: a lease until a dead worker is believed dead,
one more after the database was away, and the tries that follow."""


NOT_YET = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to run."""

    minutes: float
    seed: int
    database: str
    plant: str | None = None
    compare: bool = False
    keep: Path | None = None
    quiet_seconds: float = QUIET_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it; the columns by name where systems were compared."""

    judgement: Judgement
    columns: dict[str, Column] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Course:
    """What was done to the systems, and when, by the database's clock and by the witnesses'."""

    started_at: datetime
    began_at: float
    bursts: list[Sequence[Injected]] = field(default_factory=list)
    calm_at: list[float] = field(default_factory=list)
    until: datetime = NOT_YET
    quiet_until: datetime = NOT_YET
    quiet_at: float = 0.0


def say(line: str) -> None:
    """Tell a person how far it is. The result alone goes to standard output."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def run(wish: Wish) -> Result:
    """Start everything, do the faults, stop everything, and judge."""
    with tempfile.TemporaryDirectory(prefix="downbeat-chaos-") as folder, ExitStack() as stack:
        base = stack.enter_context(ground(Path(folder), database=wish.database))
        if base.clock is None:
            say(f"the host clock stays as it is: {base.no_clock}")
        ours = downbeat(base, plant=wish.plant)
        targets = [ours, *([plain(base)] if wish.compare else [])]
        injector = Injector(base, targets)
        course = _live_through(wish, base, injector)
        witness = list(testimony(ours.witness))
        evidence = Evidence.gather(
            ours.books,
            witness,
            injector.done,
            started_at=course.started_at,
            until=course.until,
            quiet_until=course.quiet_until,
        )
        if wish.keep is not None:
            keep(wish.keep, Path(folder), evidence)
        judgement = judge(
            evidence,
            course.bursts,
            in_time=wish.plant is None,
            superseded=ours.stack.log().count("Its effects were rolled back"),
        )
        return Result(judgement=judgement, columns=_columns(targets, course))


def _live_through(wish: Wish, base: Ground, injector: Injector) -> Course:
    """Run the systems through all bursts and the quiet after them, and stop them."""
    bursts = faults.plan(
        wish.seed,
        minutes=wish.minutes,
        among=faults.kinds(database_server=base.database is not None, clock=base.clock is not None),
        only=PLANTS[wish.plant].faults if wish.plant else (),
    )
    ours, *_ = injector.targets
    with ExitStack() as stack:
        for target in injector.targets:
            stack.enter_context(running(target, seed=wish.seed))
        # Left first: what is frozen could not be stopped.
        stack.callback(injector.heal)
        course = Course(started_at=ours.books.now(), began_at=time.monotonic())
        say(f"running; {sum(map(len, bursts))} faults in {len(bursts)} bursts to come")
        _do(bursts, injector, ours, course)
        course.until = ours.books.now()
        _quiet(ours, course.until, seconds=wish.quiet_seconds)
        course.quiet_until, course.quiet_at = ours.books.now(), time.monotonic()
    return course


def _do(bursts: Sequence[Burst], injector: Injector, ours: Target, course: Course) -> None:
    began = time.monotonic()
    time.sleep(WARM_UP_SECONDS)
    for number, burst in enumerate(bursts, start=1):
        course.bursts.append(injector.inject(burst))
        injector.heal()
        course.calm_at.append(time.monotonic())
        end = datetime.now(UTC)
        time.sleep(CALM_SECONDS)
        kinds = ", ".join(note.kind for note in course.bursts[-1])
        say(
            f"burst {number}/{len(bursts)}, {time.monotonic() - began:.0f} s,"
            f" {_recovery(ours, end)}: {kinds}"
        )


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


def _columns(targets: Sequence[Target], course: Course) -> dict[str, Column]:
    if len(targets) == 1:
        return {}
    period = Period(
        since=course.started_at,
        calls_until=course.until,
        until=course.quiet_until,
        began_at=course.began_at,
        calm_at=course.calm_at,
        quiet_at=course.quiet_at,
    )
    return {
        target.name: column(
            target.books,
            list(testimony(target.witness)),
            period,
            has_ledger=target is targets[0],
        )
        for target in targets
    }
