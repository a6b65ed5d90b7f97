"""`beat_schedule` dictionaries, and databases of a plain django-celery-beat."""

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from celery import Celery
from celery.schedules import crontab, schedule, solar
from django.db import connection
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from schedules.errors import InvalidInput
from schedules.models import Job
from schedules.operations.importing.beat_database import PREFIX, read_beat_database
from schedules.operations.importing.beat_schedule import read_beat_schedule
from schedules.operations.importing.carry import CREATED, EXISTS, LEFT, Carried, import_jobs
from schedules.operations.importing.found import Found, Wanted
from schedules.timing import At, Cron, Every, Solar, Window, from_spec

HERE = f"{__name__}:SCHEDULE"
SCHEDULE: dict[str, Any] = {
    "seconds": {"task": "sample_jobs.add", "schedule": 30.0, "args": (16, 4)},
    "delta": {"task": "sample_jobs.add", "schedule": timedelta(hours=2), "kwargs": {"x": 1}},
    "celery": {"task": "sample_jobs.add", "schedule": schedule(run_every=90), "args": [1]},
    "monday": {
        "task": "sample_jobs.add",
        "schedule": crontab(hour=7, minute=30, day_of_week=1),
        "args": (1,),
        "options": {"queue": "slow", "expires": 3600, "priority": 3},
    },
    "both-days": {
        "task": "sample_jobs.add",
        "schedule": crontab(hour=0, minute=0, day_of_month="13", day_of_week="fri"),
        "args": (1,),
    },
    "sunset": {"task": "sample_jobs.add", "schedule": solar("sunset", -37, 145), "args": (1,)},
    "unknown": {"task": "shop.tasks.sell", "schedule": 10},
    "too-often": {"task": "sample_jobs.add", "schedule": 0.5, "args": (1,)},
    "wrong-args": {"task": "sample_jobs.add", "schedule": 10},
    "strange": {"task": "sample_jobs.add", "schedule": object(), "args": (1,)},
    "no-entry": ["sample_jobs.add", 10],
}


def carried_of(found: list[Found], now: datetime) -> dict[str, Carried]:
    done = import_jobs(found, by="ana", source="cli", now=now)
    return {each.name: each for each in done}


def timetable_of(key: str) -> Any:
    return from_spec(Job.objects.get(key=key).timetable or {})


def test_a_python_beat_schedule_becomes_jobs(installed: None, now: datetime) -> None:
    carried = carried_of(read_beat_schedule(HERE, tz="Asia/Jakarta", now=now), now)

    assert timetable_of("seconds") == Every(timedelta(seconds=30), anchor=now)
    assert timetable_of("delta") == Every(timedelta(hours=2), anchor=now)
    assert timetable_of("celery") == Every(timedelta(seconds=90), anchor=now)
    assert timetable_of("monday") == Cron("30 7 * * 1", tz="Asia/Jakarta", day_rule="all")
    assert timetable_of("both-days") == Cron("0 0 13 * fri", tz="Asia/Jakarta", day_rule="all")
    assert timetable_of("sunset") == Solar("sunset", -37, 145)
    monday = Job.objects.get(key="monday")
    assert (monday.queue, monday.misfire_grace) == ("slow", timedelta(hours=1))
    assert (monday.priority, carried["monday"].remarks) == (2, ())
    assert Job.objects.get(key="seconds").args == [16, 4]
    assert sorted(name for name, each in carried.items() if each.outcome == LEFT) == [
        "no-entry",
        "strange",
        "too-often",
        "unknown",
        "wrong-args",
    ]
    assert "declared with @job" in carried["unknown"].reason
    assert "shortest interval is 1 second" in carried["too-often"].reason


@pytest.mark.parametrize("path", ["", ":app", ":app.conf.beat_schedule"])
def test_crontabs_are_in_the_zone_of_the_app_that_has_them(
    path: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Celery("shop", set_as_current=False)
    app.conf.update(timezone="Asia/Tokyo", beat_schedule={"monday": SCHEDULE["monday"]})
    module = ModuleType("shop_of_another")
    module.app = app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    (found,) = read_beat_schedule(f"{module.__name__}{path}", tz=None, now=now)
    (chosen,) = read_beat_schedule(f"{module.__name__}{path}", tz="Asia/Jakarta", now=now)

    assert isinstance(found, Wanted)
    assert isinstance(chosen, Wanted)
    assert found.timetable == Cron("30 7 * * 1", tz="Asia/Tokyo", day_rule="all")
    assert chosen.timetable == Cron("30 7 * * 1", tz="Asia/Jakarta", day_rule="all")


def test_crontabs_of_settings_are_in_the_zone_that_stands_beside_them(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("settings_of_another")
    module.CELERY_BEAT_SCHEDULE = {"monday": SCHEDULE["monday"]}  # type: ignore[attr-defined]
    module.CELERY_TIMEZONE = "Asia/Tokyo"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    (found,) = read_beat_schedule(module.__name__, tz=None, now=now)

    assert isinstance(found, Wanted)
    assert found.timetable == Cron("30 7 * * 1", tz="Asia/Tokyo", day_rule="all")


def test_the_same_as_json(installed: None, now: datetime, tmp_path: Path) -> None:
    entries = {
        "number": {"task": "sample_jobs.add", "schedule": 30, "args": [1]},
        "period": {
            "task": "sample_jobs.add",
            "schedule": {"every": 5, "period": "minutes"},
            "args": [1],
        },
        "parts": {
            "task": "sample_jobs.add",
            "schedule": {"minute": "0", "hour": "5", "day_of_week": "0"},
            "args": [1],
        },
        "text": {"task": "sample_jobs.add", "schedule": "0 5 * * 7", "args": [1]},
        "place": {
            "task": "sample_jobs.add",
            "schedule": {"event": "sunrise", "latitude": 1, "longitude": 2},
            "args": [1],
        },
    }
    file = tmp_path / "schedule.json"
    file.write_text(json.dumps(entries))

    carried = carried_of(read_beat_schedule(str(file), tz="UTC", now=now), now)

    assert {each.outcome for each in carried.values()} == {CREATED}
    assert timetable_of("period") == Every(timedelta(minutes=5), anchor=now)
    assert timetable_of("parts") == Cron("0 5 * * 0", day_rule="all")
    assert timetable_of("text") == Cron("0 5 * * 7", day_rule="all")


@pytest.mark.parametrize("source", ["nowhere.at.all", f"{__name__}:NOTHING", "gone.json", "json"])
def test_a_source_without_a_schedule_is_refused(source: str, now: datetime) -> None:
    with pytest.raises(InvalidInput, match="source is"):
        read_beat_schedule(source, tz="UTC", now=now)


def wanted(name: str) -> Found:
    timetable = Every(timedelta(minutes=5))
    return Wanted(name=name, task="sample_jobs.add", timetable=timetable, values={"args": [1]})


def test_what_was_imported_under_a_key_with_a_slash_is_not_imported_again(
    installed: None, now: datetime
) -> None:
    carried_of([wanted("reports/daily")], now)
    again = carried_of([wanted("reports/daily")], now)["reports/daily"]
    old = {"key": "reports/daily"}
    Job.objects.filter(key="reports:daily").update(**old)
    PeriodicTask.objects.filter(name="reports:daily").update(name=old["key"])
    before = Job.objects.count()

    from_before = carried_of([wanted("reports/daily")], now)["reports/daily"]

    assert (again.outcome, from_before.outcome) == (EXISTS, EXISTS)
    assert Job.objects.count() == before


def test_a_key_that_stands_for_another_name_is_said_to_be_another_job_s(
    installed: None, now: datetime
) -> None:
    carried = carried_of([wanted("a/b"), wanted("a:b"), wanted("c/d"), wanted("c:/d")], now)
    later = carried_of([wanted("a/b")], now)["a/b"]

    assert {name: each.outcome for name, each in carried.items()} == {
        "a/b": LEFT,
        "a:b": CREATED,
        "c/d": CREATED,
        "c:/d": CREATED,
    }
    assert (
        "its key would be a:b, and that is the key of a:b of this source" in carried["a/b"].reason
    )
    assert later.outcome == LEFT
    assert "that is the key of a job with another name" in later.reason


@pytest.fixture
def plain_database(db: None, now: datetime, tmp_path: Path) -> Path:
    """Fill django-celery-beat's tables with its own models, and copy them into another database."""
    common: dict[str, Any] = {"task": "sample_jobs.add", "args": "[1]"}
    week = CrontabSchedule.objects.create(
        minute="0", hour="5", day_of_week="1-5", timezone="Asia/Jakarta"
    )
    five = IntervalSchedule.objects.create(every=5, period="minutes")
    often = IntervalSchedule.objects.create(every=10, period="microseconds")
    date = ClockedSchedule.objects.create(clocked_time=now + timedelta(days=1))
    past = ClockedSchedule.objects.create(clocked_time=now - timedelta(days=1))
    place = SolarSchedule.objects.create(event="sunset", latitude=-37, longitude=145)
    PeriodicTask.objects.create(
        name="week", crontab=week, expires=now + timedelta(days=90), headers='{"a": 1}', **common
    )
    PeriodicTask.objects.create(
        name="five", interval=five, start_time=now - timedelta(seconds=7), queue="slow", **common
    )
    PeriodicTask.objects.create(name="off", interval=five, enabled=False, **common)
    PeriodicTask.objects.create(name="once", clocked=date, one_off=True, **common)
    PeriodicTask.objects.create(name="past", clocked=past, one_off=True, **common)
    PeriodicTask.objects.create(name="place", solar=place, expire_seconds=600, priority=9, **common)
    PeriodicTask.objects.create(name="often", interval=often, **common)
    PeriodicTask.objects.create(name="os", interval=five, task="os.system", args='["true"]')
    copy = tmp_path / "plain.db"
    names = [name for name in connection.introspection.table_names() if name.startswith(PREFIX)]
    with closing(sqlite3.connect(copy)) as target, target, connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"SELECT * FROM {name}")  # noqa: S608 - names of tables
            columns = [column[0] for column in cursor.description]
            target.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            marks = ", ".join("?" for _ in columns)
            rows = [[_as_sqlite(value) for value in row] for row in cursor.fetchall()]
            target.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
    PeriodicTask.objects.all().delete()
    return copy


def _as_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return value if isinstance(value, int | float | str | None) else str(value)


def test_a_plain_database_becomes_jobs(
    plain_database: Path, installed: None, now: datetime
) -> None:
    carried = carried_of(read_beat_database(str(plain_database), now=now), now)

    assert timetable_of("week") == Window(
        Cron("0 5 * * 1-5", tz="Asia/Jakarta", day_rule="all"), ends_at=now + timedelta(days=90)
    )
    anchor = now - timedelta(seconds=7)
    assert timetable_of("five") == Every(timedelta(minutes=5), anchor=anchor)
    assert timetable_of("once") == At(now + timedelta(days=1))
    assert timetable_of("place") == Solar("sunset", -37, 145)
    assert not Job.objects.get(key="off").is_enabled
    assert Job.objects.get(key="five").queue == "slow"
    place = Job.objects.get(key="place")
    assert (place.priority, place.misfire_grace) == (-4, timedelta(minutes=10))
    assert carried["week"].remarks == ("left behind: headers",)
    left = {name: each.reason for name, each in carried.items() if each.outcome == LEFT}
    assert sorted(left) == ["often", "os", "past"]
    assert "fires again" in left["past"]


@pytest.mark.database
def test_a_postgresql_database_is_read(
    make_database: Callable[[], str | None], now: datetime
) -> None:
    url = make_database()
    if url is None:
        pytest.skip("this pass has no PostgreSQL")
    with psycopg.connect(url) as old:
        old.execute(f"CREATE TABLE {PREFIX}periodictask (id int, name text)")
        for kind in ("crontab", "interval", "clocked", "solar"):
            old.execute(f"CREATE TABLE {PREFIX}{kind}schedule (id int)".encode())

    assert read_beat_database(url.replace("postgresql:", "postgresql+psycopg2:"), now=now) == []
    with pytest.raises(InvalidInput) as refusal:
        read_beat_database(f"{url.rpartition('/')[0]}/no_such_database", now=now)
    password = url.partition("@")[0].rpartition(":")[2]
    assert password.startswith("//") or password not in str(refusal.value)


def test_a_database_without_the_tables_is_refused(tmp_path: Path, now: datetime) -> None:
    empty = tmp_path / "empty.db"
    with closing(sqlite3.connect(empty)) as made:
        made.execute("CREATE TABLE other (id INT)")

    with pytest.raises(InvalidInput, match="django_celery_beat_periodictask"):
        read_beat_database(str(empty), now=now)
