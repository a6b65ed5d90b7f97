"""W4: jobs that do nothing, from the queue to their outcome, with two worker processes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.marks import FILE as MARKS
from bench.marks import read
from bench.programs import Program, ProgramFailed, cpu_seconds
from bench.report import Figure, Section, at_least, at_most, ratios
from bench.rivals import DJANGO_Q2, STOCK, django_q2, plain_program, stock, with_database
from bench.server_log import count_between, logging_statements
from bench.work import Bench, say
from project.devstack.client import connected_to

TITLE = "jobs that do nothing, end to end with their log, two worker processes"
OF_PLAIN = {"postgres": 0.75, "sqlite": 0.60}
TIMES_STOCK, STATEMENTS_OF_STOCK = 4.5, 0.5
OURS, PLAIN, SAME = (
    "ours, full ledger",
    "plain Celery, no log",
    "plain Celery, our transport, no log",
)
STOCK_NAME, APS = "django-celery-results", "APScheduler's thread, own log rows"
WORKER = ["worker", "--without-gossip", "--without-mingle", "-c", "2", "-l", "WARNING"]
WATCHED = 200
PATIENCE = 1800.0


@dataclass(frozen=True, slots=True)
class Drain:
    """How a queue was worked off."""

    per_second: float
    cpu_ms: float = 0.0
    """Processor time of the worker's processes for each job."""

    first: float = 0.0
    last: float = 0.0
    """When the first and the last run wrote down the time (`time.time()`)."""


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    count = bench.wish.size(10_000, quick=1_000)
    fewer = bench.wish.size(2_000, quick=300)
    sides: dict[str, Callable[[], Drain]] = {
        OURS: partial(ours, bench, count),
        PLAIN: partial(_plain, bench, count, {}),
        STOCK_NAME: partial(_stock, bench, fewer),
        "django-q2": partial(_django_q2, bench, fewer),
        APS: partial(_apscheduler, bench, fewer),
    }
    if not bench.quick:
        sides[SAME] = partial(_plain, bench, count, {"BENCH_OUR_TRANSPORT": "1"})
    found = bench.in_turns(sides, section)
    section.figures += rates(found, bench)
    if bench.wish.database == "postgres" and not bench.quick:
        sides = {OURS: partial(ours, bench, WATCHED), STOCK_NAME: partial(_stock, bench, WATCHED)}
        say("two of them once more, while the server counts statements")
        with logging_statements(bench.servers.postgres):
            found = bench.in_turns(sides, section, turns=1)
            section.figures += statements(found, bench)


def rates(found: dict[str, list[Drain]], bench: Bench) -> list[Figure]:
    """Return the jobs a second, and ours as shares of the others'."""
    judged = not bench.quick
    made = []
    speed = {name: [drain.per_second for drain in drains] for name, drains in found.items()}
    for name, drains in found.items():
        made.append(Figure(name=name, values=speed[name], unit="/s"))
        cpu = [drain.cpu_ms for drain in drains if drain.cpu_ms]
        if cpu:
            made.append(Figure(name=f"{name}, processor time a job", values=cpu, unit="ms"))
    # None for plain Celery on our transport: it loses what a dying worker had taken, so it is no
    # rival, and says only what our own options have no part in.
    goals = {
        PLAIN: at_least(OF_PLAIN[bench.wish.database]),
        STOCK_NAME: at_least(TIMES_STOCK),
    }
    for name in list(found)[1:]:
        values = ratios(speed[OURS], speed[name])
        goal = goals.get(name)
        made.append(
            Figure(name=f"ours / {name}", values=values, unit="x", goal=goal, judged=judged)
        )
    return made


def statements(found: dict[str, list[Drain]], bench: Bench) -> list[Figure]:
    """Return what the server was sent for each job, BEGIN and COMMIT too, between the two marks."""
    server = bench.servers.postgres
    counts = {
        name: [count_between(server, drain.first, drain.last) / WATCHED for drain in drains]
        for name, drains in found.items()
    }
    made = [
        Figure(name=f"{name}, statements a job", values=values, unit="statements")
        for name, values in counts.items()
    ]
    values = ratios(counts[OURS], counts[STOCK_NAME])
    goal = at_most(STATEMENTS_OF_STOCK)
    return [*made, Figure(name="statements, ours / theirs", values=values, unit="x", goal=goal)]


def ours(bench: Bench, count: int) -> Drain:
    """Plan the runs, tell the broker, and let a worker begin.

    Raises ProgramFailed unless each has its outcome in the ledger and in the results.
    """
    bench.servers.redis.flushall()
    marks = bench.servers.fresh_file("marks")
    with bench.servers.ours() as url, connected_to(url):
        from django_celery_results.models import TaskResult

        from schedules.models import Run
        from schedules.states import RunState

        _plan(count)
        with bench.servers.worker(url, **{MARKS: str(marks)}) as worker:
            drain = drained(worker, marks, count)
        done = Run.objects.filter(state=RunState.SUCCEEDED).count()
        results = TaskResult.objects.filter(status="SUCCESS").count()
    if min(done, results) < count:
        raise ProgramFailed(f"of {count} runs {done} succeeded and {results} have their result")
    return drain


def _plan(count: int) -> None:
    """Plan the runs between two that write down the time."""
    from bench.ours.jobs import NOOP, note
    from schedules.public import Call, park
    from schedules.querysets.clock import database_now

    note.delay("first")
    now = database_now()
    park(NOOP, [Call(key=f"bench:{number}", at=now) for number in range(count)])
    note.delay("last")


def _plain(bench: Bench, count: int, variables: dict[str, str]) -> Drain:
    bench.servers.redis.flushall()
    marks = bench.servers.fresh_file("marks")
    plain_program(bench, "bench.peers.plain", str(count), **{MARKS: str(marks)}).finish()
    words = ["celery", "-A", "bench.peers.plain", *WORKER]
    with plain_program(bench, *words, **{MARKS: str(marks)}, **variables) as worker:
        return drained(worker, marks, count)


def _stock(bench: Bench, count: int) -> Drain:
    with stock(bench) as rival:
        bench.servers.redis.flushall()
        rival.run(STOCK, "send", str(count))
        with rival.program("celery", "-A", STOCK, *WORKER) as worker:
            drain = drained(worker, rival.marks, count)
        results = int(rival.run(STOCK, "results"))
    if results < count:
        raise ProgramFailed(f"of {count} runs {results} have their result")
    return drain


def _django_q2(bench: Bench, count: int) -> Drain:
    bench.servers.redis.flushall()
    with django_q2(bench) as rival:
        rival.run(DJANGO_Q2, "send", str(count))
        with rival.program("django", "qcluster") as cluster:
            drain = drained(cluster, rival.marks, count)
            # Its outcomes are written by a process of their own, a little later.
            kept = _until(lambda: int(rival.run(DJANGO_Q2, "results", "0")), count)
    if kept < count:
        raise ProgramFailed(f"of {count} runs {kept} have their result")
    return drain


def _until(look: Callable[[], int], count: int) -> int:
    """Look a few times until there are so many; return how many there were at last."""
    found = 0
    for _ in range(10):
        found = look()
        if found >= count:
            break
    return found


def _apscheduler(bench: Bench, count: int) -> Drain:
    with with_database(bench) as rival:
        said = rival.run("bench.peers.apscheduler_jobs", "logged", str(count))
        return Drain(float(said.splitlines()[-1]))


def drained(worker: Program, marks: Path, count: int) -> Drain:
    """Wait for the first and the last run; return what happened between them."""
    _wait_for(worker, marks, "first")
    began = _cpu_of_all(worker)
    _wait_for(worker, marks, "last")
    ended = _cpu_of_all(worker)
    at = read(marks)
    return Drain(
        per_second=count / (at["last"] - at["first"]),
        cpu_ms=(ended - began) * 1000 / count,
        first=at["first"],
        last=at["last"],
    )


def _wait_for(worker: Program, marks: Path, name: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while name not in read(marks):
        worker.check()
        if time.monotonic() > give_up:
            raise ProgramFailed(f"{worker} has not come to the {name} run in {PATIENCE:g} s")
        time.sleep(0.01)


def _cpu_of_all(worker: Program) -> float:
    return sum(cpu_seconds(pid) for pid in worker.family())
