"""Job stores of APScheduler: real ones of both versions, converted exactly, read without trust."""

import os
import pickle
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from schedules.errors import InvalidInput
from schedules.models import AuditEntry, Job
from schedules.operations.importing.apscheduler import read_store
from schedules.operations.importing.carry import CREATED, EXISTS, LEFT, Carried, import_jobs
from schedules.operations.importing.found import Unreadable, Wanted
from schedules.operations.importing.pickles import GAVE_UP, read_pickles
from schedules.timing import At, Cron, Every, from_spec
from tests.schedules.operations.importing.conftest import Stores

JAKARTA = "Asia/Jakarta"
TICK = "tests.schedules.operations.importing.old_jobs:tick"


def carried_of(store: Path, now: datetime, **options: Any) -> dict[str, Carried]:
    found = read_store(str(store))
    done = import_jobs(found, by="ana", source="cli", now=now, **options)
    return {each.name: each for each in done}


@pytest.mark.parametrize("kind", ["plain", "in_django"])
@pytest.mark.parametrize("version", ["3.10", "3.11"])
def test_a_real_store_becomes_jobs_with_the_same_times(
    installed: None, write_stores: Callable[[str], Stores], now: datetime, version: str, kind: str
) -> None:
    stores = write_stores(version)
    assert stores.version.startswith(f"{version}.")

    carried = carried_of(getattr(stores, kind), now, tasks={TICK: "tell_time"})

    jobs = {job.key: job for job in Job.objects.filter(key__in=carried)}
    timetables = {key: from_spec(jobs[key].timetable or {}) for key in jobs}
    assert timetables["workdays"] == Cron("0 5 * * 1-5", tz=JAKARTA, day_rule="all")
    assert timetables["sundays"] == Cron("30 5 1-7 * 0", tz=JAKARTA, day_rule="all")
    # Its author meant Monday to Friday; the old scheduler ran it Tuesday to Saturday.
    assert timetables["crontab"] == Cron("15 3 * * 2-6", tz="UTC", day_rule="all")
    assert timetables["positions"] == Cron("0 0 * 1-3 1#1,5L", tz=JAKARTA, day_rule="all")
    assert timetables["half-minutes"] == Every(timedelta(seconds=30))
    anchor = datetime(2020, 1, 1, 0, 2, tzinfo=UTC)
    assert timetables["five-minutes"] == Every(timedelta(minutes=5), anchor=anchor)
    assert timetables["once"] == At(datetime(2099, 4, 30, 23, 30, tzinfo=UTC))
    assert (jobs["workdays"].args, jobs["workdays"].kwargs) == ([1], {"y": 2})
    assert (jobs["workdays"].task, jobs["renamed"].task) == (
        "sample_jobs.add",
        "sample_jobs.tell_time",
    )
    assert (jobs["workdays"].max_instances, jobs["many"].max_instances) == (3, 10)
    assert (jobs["workdays"].coalesce, jobs["many"].coalesce) == (True, False)
    assert jobs["five-minutes"].misfire_grace == timedelta(minutes=2)
    assert jobs["five-minutes"].jitter == timedelta(seconds=10)
    assert jobs["once"].misfire_grace is None
    assert not jobs["paused"].is_enabled
    reasons = {name: each.reason for name, each in carried.items() if each.outcome == LEFT}
    assert sorted(reasons) == ["both", "dated", "fraction", "odd-second", "one-year"]
    assert reasons["odd-second"].startswith("it fires at the seconds 7")
    assert carried["daily"].outcome == EXISTS
    assert all(job.next_run_at for job in jobs.values() if job.is_enabled)
    made = [each for each in carried.values() if each.outcome == CREATED]
    entries = AuditEntry.objects.filter(action="create", source="cli")
    assert entries.count() == len(made)


def test_a_second_import_changes_nothing(
    installed: None, write_stores: Callable[[str], Stores], now: datetime
) -> None:
    store = write_stores("3.11").plain
    carried_of(store, now)
    before = Job.objects.count(), AuditEntry.objects.count()

    again = carried_of(store, now)

    assert {each.outcome for each in again.values()} == {EXISTS, LEFT}
    assert (Job.objects.count(), AuditEntry.objects.count()) == before


def test_a_dry_run_says_the_same_and_writes_nothing(
    installed: None, write_stores: Callable[[str], Stores], now: datetime
) -> None:
    store = write_stores("3.11").plain
    before = Job.objects.count(), AuditEntry.objects.count()

    tried = carried_of(store, now, dry_run=True)
    assert (Job.objects.count(), AuditEntry.objects.count()) == before
    done = carried_of(store, now)

    assert {name: each.outcome for name, each in tried.items()} == {
        name: each.outcome for name, each in done.items()
    }


def triggers(number: int) -> list[CronTrigger]:
    """Make triggers from the expressions that people write, by a fixed seed."""
    chance = random.Random(20)  # noqa: S311 - nothing secret

    def pick(*choices: Any) -> Any:
        return chance.choice(choices)

    return [
        CronTrigger(
            month=pick("*", "*", "*/5", "feb,nov", "3-9/2", "4"),
            day=pick("*", "*", "1", "last", "*/9", "2nd tue", "last sun", "28-31", "5th mon"),
            day_of_week=pick(
                "*", "*", "mon-fri", "sun", "0", "6", "0,2,4", "*/2", "5-6", "tue-sun"
            ),
            hour=pick("*", "5", "*/7", "9-17", "22,23"),
            minute=pick("*", "0", "*/13", "10-50/20", "59"),
            timezone="UTC",
        )
        for _ in range(number)
    ]


def test_converted_triggers_fire_when_apscheduler_says(tmp_path: Path) -> None:
    made = triggers(300)
    states = [
        {
            "func": "a:b",
            "trigger": trigger,
            "executor": "default",
            "args": (),
            "kwargs": {},
            "name": "b",
            "misfire_grace_time": 1,
            "coalesce": True,
            "max_instances": 1,
            "next_run_time": datetime(2026, 3, 1, tzinfo=UTC),
        }
        for trigger in made
    ]
    store = write_pickles(tmp_path, {f"{n:03}": pickle.dumps(s) for n, s in enumerate(states)})

    found = read_store(str(store))

    compared = 0
    for trigger, each in zip(made, found, strict=True):
        if isinstance(each, Unreadable):
            assert "by position" in each.reason, (trigger, each.reason)
            continue
        assert isinstance(each, Wanted)
        moment = datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC)
        for _ in range(12):
            theirs: datetime | None = trigger.get_next_fire_time(
                None, moment + timedelta(seconds=1)
            )
            assert each.timetable.next_after(moment) == theirs, (trigger, each.timetable)
            if theirs is None:
                break
            moment = theirs
        compared += 1
    assert compared > 200


def test_a_bad_job_is_one_line_and_the_rest_is_carried_over(
    installed: None, tmp_path: Path, now: datetime
) -> None:
    def state(**changed: Any) -> dict[str, Any]:
        return {
            "func": "sample_jobs:add",
            "trigger": IntervalTrigger(hours=1, timezone="UTC"),
            "executor": "default",
            "args": (1,),
            "kwargs": {},
            "name": "add",
            "misfire_grace_time": 60,
            "coalesce": True,
            "max_instances": 1,
            "next_run_time": datetime(2026, 3, 1, tzinfo=UTC),
            **changed,
        }

    never_started = IntervalTrigger(hours=1, timezone="UTC")
    never_started.start_date = None
    states = {
        "bad-anchor": state(trigger=never_started),
        "bad-argument": state(kwargs={"x\ud800": 1}),
        "bad-name": state(name="half \ud800"),
        "bad-slots": state(max_instances=0),
        "bad-zero": state(name="zero \x00"),
        "good": state(),
    }
    store = write_pickles(tmp_path, {name: pickle.dumps(each) for name, each in states.items()})
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            "INSERT INTO apscheduler_jobs SELECT CAST(X'62ff' AS TEXT), 0, job_state"
            " FROM apscheduler_jobs WHERE id = 'good'"
        )
        connection.execute("INSERT INTO apscheduler_jobs VALUES ('bad-empty', 0, NULL)")

    carried = carried_of(store, now)

    left = {name: each.reason for name, each in carried.items() if each.outcome == LEFT}
    assert left.keys() == {"b\\udcff", "bad-empty", *states} - {"good"}
    assert left["bad-anchor"] == "its interval has no start"
    assert left["bad-slots"] == "its max_instances is 0, so it never ran"
    assert "half a character" in left["bad-name"]
    assert all(reason.isprintable() for reason in left.values())
    assert carried["good"].outcome == CREATED
    assert Job.objects.filter(key="good").exists()


def write_pickles(folder: Path, states: dict[str, bytes]) -> Path:
    store = folder / "store.db"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            "CREATE TABLE apscheduler_jobs (id TEXT, next_run_time FLOAT, job_state BLOB)"
        )
        rows = [(name, 0.0, state) for name, state in states.items()]
        connection.executemany("INSERT INTO apscheduler_jobs VALUES (?, ?, ?)", rows)
    return store


class Hostile:
    """Runs a command where somebody unpickles it."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def test_a_hostile_pickle_does_nothing_and_the_others_are_read(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    laughs: list[Any] = ["ha"]
    for _ in range(40):
        laughs = [laughs] * 10
    hostile = {
        "a-system": pickle.dumps(Hostile(os.system, f"touch {trace}")),
        "b-eval": pickle.dumps(Hostile(eval, f"open({str(trace)!r}, 'w')")),
        "c-getattr": pickle.dumps(Hostile(getattr, Unreadable, "__init__")),
        "d-open": pickle.dumps(Hostile(open, str(trace), "w")),
        "e-nested": b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "f-laughs": pickle.dumps(laughs),
        "g-memory": b"\x80\x04\x8e" + (2**40).to_bytes(8, "little"),
        "h-garbage": b"\x80\x05garbage",
        "i-empty": b"",
        "j-large": pickle.dumps("x" * 2_000_000),
        "k-persistent": b"Pos.system\n.",
        "l-old": b"cos\nsystem\n(S'touch %s'\ntR." % str(trace).encode(),
        "m-not-a-job": pickle.dumps([1, 2, 3]),
        "n-half-a-job": pickle.dumps({"func": "a:b", "trigger": 7}),
    }
    found = read_store(str(write_pickles(tmp_path, hostile)))

    assert [each.name for each in found] == sorted(hostile)
    assert all(isinstance(each, Unreadable) and each.reason for each in found)
    assert not trace.exists()


def test_a_pickle_that_never_ends_costs_itself_and_nothing_else() -> None:
    # A dict whose key is a tuple of two tuples of two tuples ...: its hash takes 2**60 steps.
    endless = b"\x80\x02}K\x01\x85" + b"2\x86" * 60 + b"K\x01s."
    harmless = pickle.dumps({"a": 1})

    answers = read_pickles([harmless, endless, harmless])

    assert answers == [{"state": {"a": 1}}, {"error": GAVE_UP}, {"state": {"a": 1}}]


def test_the_reading_process_has_no_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The program is asked for its environment by way of a class that is let in for this once."""
    from schedules.operations.importing import pickles

    program = tmp_path / "unpickle.py"
    text = pickles.PROGRAM.read_text()
    spy = 'KNOWN["os.environ"] = dict(os.environ)\n'
    program.write_text(text.replace("class Reader(", f"{spy}\n\nclass Reader(", 1))
    program.chmod(0o644)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(pickles, "PROGRAM", program)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@db/name")

    answer = read_pickles([b"cos\nenviron\n."])[0]

    assert "secret" not in str(answer)
    assert set(answer["state"]) <= {"LC_CTYPE"}  # Python sets this one itself


def test_a_source_that_is_none_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database")
    empty = tmp_path / "empty.db"
    with closing(sqlite3.connect(empty)) as connection:
        connection.execute("CREATE TABLE other (id INT)")

    for source in ("nowhere.db", str(tmp_path / "text.db"), str(empty), "mysql://db/x"):
        with pytest.raises(InvalidInput, match="source is"):
            read_store(source)
    with pytest.raises(InvalidInput, match="table is"):
        read_store(str(empty), table="x; DROP TABLE y")
