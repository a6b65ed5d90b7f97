"""The virtual clock: each occurrence has one fate, and the shipped timetable stands for a year."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedules.dispatch.decide import Policy
from schedules.errors import InvalidInput
from schedules.halts import Halt
from schedules.operations.simulation.clock import Lived, Outage, Simulated
from schedules.operations.simulation.simulate import Simulation, simulate
from schedules.registry import all_declared
from schedules.states import After, Overlap
from schedules.timing import Cron, Every, count_between

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def job(key: str = "job", **values: Any) -> Simulated:
    usual: dict[str, Any] = {
        "timetable": Every(10 * MINUTE, anchor=BEGIN),
        "policy": Policy(),
        "max_instances": 1,
        "overlap": Overlap.SKIP,
        "length": MINUTE,
    }
    return Simulated(key=key, **{**usual, **values})


def day(*jobs: Simulated, **values: Any) -> Simulation:
    return simulate(jobs, begin=BEGIN, end=BEGIN + DAY - MINUTE, **values)


def balances(lived: Lived) -> bool:
    ended = lived.ran + lived.cancelled + lived.waiting + lived.fates.total()
    return lived.occurrences == ended


@pytest.mark.parametrize(
    ("overlap", "ran", "skipped", "cancelled", "waiting"),
    [
        (Overlap.SKIP, 48, 96, 0, 0),
        (Overlap.QUEUE_ONE, 58, 85, 0, 1),
        (Overlap.QUEUE_ALL, 58, 0, 0, 86),
        (Overlap.CANCEL_RUNNING, 1, 0, 143, 0),
    ],
)
def test_overlap_is_what_the_policy_says(
    overlap: Overlap, ran: int, skipped: int, cancelled: int, waiting: int
) -> None:
    lived = day(job(overlap=overlap, length=25 * MINUTE)).jobs[0]

    found = (lived.ran, lived.fates.total(), lived.cancelled, lived.waiting)
    assert found == (ran, skipped, cancelled, waiting)
    assert balances(lived)
    assert lived.first_no_slot[0] == BEGIN + 10 * MINUTE


def test_more_slots_take_more_at_once() -> None:
    simulation = day(job(length=25 * MINUTE, max_instances=3))

    assert simulation.jobs[0].no_slot == 0
    assert simulation.most_at_once[1] == 3


def test_a_pause_and_an_outage_leave_their_fates() -> None:
    pause = Halt(since=BEGIN, until=BEGIN + HOUR, reason="paused by ada")
    policy = Policy(misfire_grace=timedelta(minutes=30), halts=(pause,))
    outage = Outage(since=BEGIN + 2 * HOUR, until=BEGIN + 3 * HOUR + MINUTE)

    lived = day(job(policy=policy), outages=[outage]).jobs[0]

    assert lived.fates == {
        ("skipped", "paused by ada"): 6,
        ("missed", "found later than its misfire grace of 1800 s"): 4,
        ("skipped", "coalesced into the occurrence at 2026-03-01T03:00:00Z"): 2,
    }
    assert balances(lived)


def test_a_job_runs_after_another_has_ended() -> None:
    upstream = job("first", length=20 * MINUTE, timetable=Every(HOUR, anchor=BEGIN))
    never = Cron("0 0 31 2 *")
    after = job("then", timetable=never, after=[("first", After.ENDED)])
    alarm = job("alarm", timetable=never, after=[("first", After.FAILED)])

    lived = {each.job.key: each for each in day(after, alarm, upstream).jobs}

    assert (lived["then"].ran, lived["alarm"].ran) == (24, 0)


def test_the_busiest_minute_is_named() -> None:
    jobs = [job(f"j{n}", timetable=Cron("30 5 * * *")) for n in range(3)]

    assert day(job(), *jobs).busiest[0] == (BEGIN + timedelta(hours=5, minutes=30), 4)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"end": BEGIN}, "an instant after from"),
        ({"end": BEGIN + 5000 * DAY}, "at most 3660 days later"),
        ({"outages": [Outage(since=BEGIN, until=BEGIN)]}, "an end after it"),
        ({"most": 100}, "more than 100 occurrences"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        simulate([job()], **{"begin": BEGIN, "end": BEGIN + DAY, **values})


def test_the_shipped_timetable_stands_for_a_year(thorough: bool) -> None:
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    shipped = [
        Simulated(
            key=declared.key,
            timetable=declared.timetable,
            policy=Policy(misfire_grace=declared.misfire_grace, jitter=declared.jitter),
            max_instances=declared.max_instances,
            overlap=declared.overlap,
            length=timedelta(seconds=20),
        )
        for declared in all_declared()
        if declared.timetable is not None and declared.function.__module__.startswith("tasks.")
    ]
    # What runs every few minutes is a million occurrences a year, and every week is the same.
    often = [] if thorough else [each for each in shipped if runs_often(each, begin)]
    rest = [each for each in shipped if each not in often]

    year = simulate(rest, begin=begin, end=end - timedelta(seconds=1))
    week = simulate(often, begin=begin, end=begin + 7 * DAY - timedelta(seconds=1))

    assert len(shipped) > 10
    for lived in (*year.jobs, *week.jobs):
        assert balances(lived)
        assert (lived.no_slot, lived.fates.total()) == (0, 0), lived.job.key
        assert lived.ran > 0, lived.job.key
    ran = {lived.job.key: lived.ran for lived in (*year.jobs, *week.jobs)}
    assert ran["auto_create_daily_attendance"] == 365
    assert ran["sync_attendance_logs"] == (365 if thorough else 7) * 24 * 60


def runs_often(each: Simulated, begin: datetime) -> bool:
    return count_between(each.timetable, after=begin, until=begin + 7 * DAY) > 7 * 24


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--thorough"))
