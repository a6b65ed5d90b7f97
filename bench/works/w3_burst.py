"""W3: many jobs due in the same second, from due to published; and a steady stream of them."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from bench.programs import Program, ProgramFailed
from bench.report import Figure, Section, at_least, at_most, ratios
from bench.rivals import DJANGO_Q2, STOCK, Rival, django_q2, stock, stock_beat, with_database
from bench.servers import LOOK_AGAIN
from bench.work import Bench, say
from bench.works.w1_start import filled_with
from bench.works.w2_edit import wait_for_beats
from project.devstack.client import connected_to

if TYPE_CHECKING:
    from schedules.querysets.runs import RunQuerySet

TITLE = "many jobs due in the same second, from due to published, and a steady stream"
PER_SECOND = {"postgres": 8_000.0, "sqlite": 10_000.0}
KOMBU_PER_SECOND = 3_500.0
TIMES_BEST_PEER, TIMES_STOCK, SECOND_BEAT = 5.0, 90.0, 1.5
NO_LOWER = 1.0
P99_MS = 250.0
LEAD = 1.2
"""Seconds between the writing of what will be due and the instant: Beat looks twice a second."""

WRITTEN_PER_SECOND = 15_000
LONGEST_LEAD = 120.0
STEADY_RATE = 1_000
PATIENCE = 120.0
"""Seconds without another message after which none is expected: what is sent again behind the
largest burst waits for a hundred."""

PEER_PATIENCE = 900.0
REDBEAT = "bench.peers.redbeat_jobs"
KOMBU_ALONE = {"BENCH_KOMBU_ALONE": "1"}


def measure(bench: Bench, section: Section) -> None:
    """Fill in the section."""
    due = bench.wish.size(10_000, quick=2_000)
    most = due if bench.quick else 100_000
    small = bench.wish.size(10_000, quick=500)
    with filled_with(bench, most) as (url, numbers):
        ours = partial(burst, bench, url, numbers)
        sides: dict[str, Callable[[], float]] = {f"ours, {due:,}": partial(ours, due)}
        if most > due:
            sides[f"ours, {most:,}"] = partial(ours, most)
        sides[f"ours by kombu's API alone, {due:,}"] = partial(ours, due, variables=KOMBU_ALONE)
        if bench.wish.database == "postgres":
            sides[f"ours, two Beats, {due:,}"] = partial(ours, due, beats=2)
        sides |= {
            f"stock, {small:,}": partial(_stock, bench, small),
            f"RedBeat, {small:,}": partial(_redbeat, bench, small),
            f"django-q2, {small:,}": partial(_django_q2, bench, small),
            f"APScheduler's thread, {small:,}": partial(_apscheduler, bench, small),
        }
        once = [name for name in sides if name.startswith("stock")]
        found = bench.in_turns(sides, section, once=once)
    section.figures += figures(found, bench)
    section.figures += _steady(bench)


def figures(found: dict[str, list[float]], bench: Bench) -> list[Figure]:
    """Return the rates and what they are to each other; the first is ours."""
    judged = not bench.quick
    first, rates = next(iter(found.items()))
    floor = PER_SECOND[bench.wish.database]
    made = [Figure(name=first, values=rates, unit="/s", goal=at_least(floor), judged=judged)]
    peers = []
    for name, values in list(found.items())[1:]:
        goal, against, bound = None, "", 0.0
        if "kombu" in name:
            goal = at_least(KOMBU_PER_SECOND)
        elif "two Beats" in name:
            against, bound = "one", SECOND_BEAT
        elif name.startswith("ours"):
            goal, against, bound = at_least(floor), first, NO_LOWER
        else:
            peers.append(name)
        made.append(Figure(name=name, values=values, unit="/s", goal=goal, judged=judged))
        if against:
            values = ratios(values, rates)
            goal = at_least(bound)
            made.append(
                Figure(
                    name=f"{name} / {against}", values=values, unit="x", goal=goal, judged=judged
                )
            )
    for name in peers:
        bound = TIMES_STOCK if name.startswith("stock") else TIMES_BEST_PEER
        values = ratios(rates, found[name])
        goal = at_least(bound)
        made.append(
            Figure(name=f"ours / {name}", values=values, unit="x", goal=goal, judged=judged)
        )
    return made


def burst(
    bench: Bench,
    url: str,
    numbers: list[int],
    count: int,
    *,
    beats: int = 1,
    variables: dict[str, str] | None = None,
) -> float:
    """Let `count` jobs be due at one instant; return how many a second were published after it.

    Raises ProgramFailed where a run has no message, or no row that says that it was sent.
    """
    bench.servers.redis.flushall()
    with connected_to(url):
        forget_waiting()
        with ExitStack() as running:
            started = [
                running.enter_context(bench.servers.beat(url, **(variables or {})))
                for _ in range(beats)
            ]
            wait_for_beats(beats, *started)
            at = _let_be_due(numbers, count)
            done = _all_published(bench, numbers, count, at, *started)
        _check_messages(bench, numbers, count)
    return count / (done - at)


def _all_published(
    bench: Bench, numbers: list[int], count: int, at: float, *beats: Program
) -> float:
    """Return when the last message came, of all that had come when `count` runs were noted as sent.

    More than one may have come for a run; the queue's length alone would take it for another's.
    Raises ProgramFailed when a Beat has ended, or nothing comes any more.
    """
    came_at, queued, is_over = at, 0, False
    while True:
        # Looked at once more after all were noted: the last may have come in between.
        if (now := bench.servers.queued()) > queued:
            came_at, queued = time.time(), now
        if is_over:
            return came_at
        for beat in beats:
            beat.check()
        is_over = queued >= count and _sent(numbers).count() == count
        if not is_over and time.time() > came_at + PATIENCE:
            raise ProgramFailed(
                f"{queued} messages, and {_sent(numbers).count()} of {count} runs noted as sent;"
                f" no more came for {PATIENCE:g} s"
            )
        time.sleep(LOOK_AGAIN)


def _sent(numbers: list[int]) -> "RunQuerySet":
    """The burst's runs of which the ledger says that the broker was told."""
    from schedules.models import Run

    ours = Run.objects.waiting().filter(job__gte=numbers[0], job__lte=numbers[1])
    return ours.filter(sent_at__isnull=False)


def _check_messages(bench: Bench, numbers: list[int], count: int) -> None:
    """Raise ProgramFailed unless each run of the burst is there, and its message."""
    runs = {str(run) for run in _sent(numbers).values_list("task_id", flat=True)}
    missing = len(runs - bench.servers.message_ids())
    if missing or len(runs) != count:
        raise ProgramFailed(f"of {count} runs {len(runs)} were sent, {missing} without a message")


def _let_be_due(numbers: list[int], count: int) -> float:
    """Let them be due soon, well after the change is committed; return the instant."""
    from bench.fill_jobs import let_be_due

    lead = LEAD + count / WRITTEN_PER_SECOND
    while True:
        at = time.time() + lead
        let_be_due(numbers, at=datetime.fromtimestamp(at, UTC), count=count)
        if time.time() < at - LEAD / 2 or lead > LONGEST_LEAD:
            return at
        say("the jobs were written too slowly; once more, with more time before their instant")
        lead *= 2


def forget_waiting() -> None:
    """Delete what an earlier burst has left for workers: it would be sent again.

    Of a Beat that was killed the server may still execute a statement: that is ended first.
    """
    from django.db import connection

    from schedules.models import Run

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    left = Run.objects.waiting()
    left._raw_delete(left.db)  # the other way reads them all first
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # or it would be done beside the next burst
            cursor.execute("VACUUM ANALYZE schedules_run, schedules_job")
            # As on a server that has run for a while, which has segments of its log to use again;
            # without it a burst was 5 to 8 % slower on a new one.
            cursor.execute("CHECKPOINT")


def _steady(bench: Bench) -> list[Figure]:
    """Let a thousand jobs run each second, at ten instants of it, and look at their lateness."""
    from bench.fill_jobs import fill_jobs, spread_over_a_second
    from schedules.models import Run

    seconds = bench.wish.size(20, quick=3)
    say(f"steady: {STEADY_RATE:,} a second for {seconds} s")
    bench.servers.redis.flushall()
    with bench.servers.ours() as url, connected_to(url):
        numbers = fill_jobs(STEADY_RATE)
        with bench.servers.beat(url) as beat:
            wait_for_beats(1, beat)
            begin = spread_over_a_second(numbers) + timedelta(seconds=2)
            end = begin + timedelta(seconds=seconds)
            wanted = STEADY_RATE * (seconds + 3)
            bench.servers.wait_for_messages(wanted, beat, patience=seconds * 3 + 30)
            runs = Run.objects.filter(due_at__gte=begin, due_at__lt=end, sent_at__isnull=False)
            pairs = list(runs.values_list("due_at", "sent_at"))
    late = sorted((sent - due).total_seconds() * 1000 for due, sent in pairs if sent)
    rate = len(late) / seconds
    p99 = [late[int(len(late) * 0.99)]] if late else []
    judged = not bench.quick
    return [
        Figure(
            name="steady, published a second",
            values=[rate],
            unit="/s",
            goal=at_least(STEADY_RATE),
            judged=judged,
        ),
        Figure(
            name="steady, lateness p99",
            values=p99,
            unit="ms",
            goal=at_most(P99_MS),
            judged=judged,
        ),
    ]


def _stock(bench: Bench, count: int) -> float:
    with stock(bench, count) as rival:
        at = time.time() + bench.wish.size(10, quick=5) + count / 5_000
        rival.run(STOCK, "due", str(count), str(at))
        return _beat_rate(bench, rival, at, count, stock=True)


def _redbeat(bench: Bench, count: int) -> float:
    bench.servers.redis.flushall()
    rival = Rival(bench)
    at = time.time() + 5 + count / 600
    rival.run(REDBEAT, str(count), str(at))
    return _beat_rate(bench, rival, at, count, stock=False)


def _beat_rate(bench: Bench, rival: Rival, at: float, count: int, *, stock: bool) -> float:
    scheduler = ["-S", "redbeat.RedBeatScheduler"]
    program = rival.program("celery", "-A", REDBEAT, "beat", *scheduler, "-l", "WARNING")
    if stock:
        bench.servers.redis.flushall()
        program = stock_beat(rival)
    with program as beat:
        if time.time() > at - 2:
            say("the peer was started too late; its instant had begun before it was ready")
        done = bench.servers.wait_for_messages(count, beat, patience=PEER_PATIENCE)
    return count / (done - at)


def _django_q2(bench: Bench, count: int) -> float:
    bench.servers.redis.flushall()
    with django_q2(bench) as rival:
        return float(rival.run(DJANGO_Q2, "burst", str(count)).splitlines()[-1])


def _apscheduler(bench: Bench, count: int) -> float:
    with with_database(bench) as rival:
        said = rival.run("bench.peers.apscheduler_jobs", "burst", str(count))
        return float(said.splitlines()[-1])
