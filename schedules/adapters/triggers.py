"""Database triggers that note which periodic tasks were edited, whoever edits them and however.

A form, an admin action, `queryset.update()`, raw SQL and another client all end in a row change,
and only the database sees them all. On PostgreSQL the note is made when the edit commits (a
deferred trigger), so its time is that of the commit. SQLite's write transactions are short and its
triggers immediate.
"""

# Every statement here is put together from constants of ours.
# ruff: noqa: S608
from typing import Any

from django.db import connections
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from schedules.models import Touched

# `last_run_at`, `total_run_count` and `date_changed` are bookkeeping, not edits.
EDITED = (
    "name, task, interval_id, crontab_id, solar_id, clocked_id, args, kwargs, queue, exchange,"
    " routing_key, headers, priority, expires, expire_seconds, one_off, start_time, enabled"
)
TASKS = PeriodicTask._meta.db_table
TOUCHED = Touched._meta.db_table
SCHEDULES = {
    CrontabSchedule._meta.db_table: "crontab_id",
    IntervalSchedule._meta.db_table: "interval_id",
    SolarSchedule._meta.db_table: "solar_id",
    ClockedSchedule._meta.db_table: "clocked_id",
}


def create(using: str = "default", **_: Any) -> None:
    """Put the triggers in place, replacing what is there. Called after every migrate."""
    connection = connections[using]
    statements = _postgresql() if connection.vendor == "postgresql" else _sqlite()
    with connection.cursor() as cursor:
        for statement in [*_drops(connection.vendor), *statements]:
            cursor.execute(statement)


def drop(using: str = "default", **_: Any) -> None:
    """Take the triggers away while migrations alter the tables below them."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    if not {TASKS, *SCHEDULES} <= present:
        return
    with connection.cursor() as cursor:
        for statement in _drops(connection.vendor):
            cursor.execute(statement)


def missing(using: str = "default") -> list[str]:
    """Return the names of the triggers that should be there and are not."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'schedules_touch%%'"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {name for (name,) in cursor.fetchall()}
    return sorted({name for name, _ in _names(connection.vendor)} - present)


def _names(vendor: str) -> list[tuple[str, str]]:
    if vendor == "postgresql":
        return [("schedules_touch", table) for table in (TASKS, *SCHEDULES)]
    tasks = [(f"schedules_touch_{event}", TASKS) for event in ("insert", "update", "delete")]
    return tasks + [(f"schedules_touch_{column}", table) for table, column in SCHEDULES.items()]


def _drops(vendor: str) -> list[str]:
    # PostgreSQL's triggers are named per table, SQLite's in the whole database.
    named = " ON {table}" if vendor == "postgresql" else ""
    return [
        f"DROP TRIGGER IF EXISTS {name}{named.format(table=table)}"
        for name, table in _names(vendor)
    ]


def _postgresql() -> list[str]:
    task = f"""
        CREATE OR REPLACE FUNCTION schedules_touch_task() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO {TOUCHED} (periodic_task_id, at)
            VALUES (COALESCE(NEW.id, OLD.id), clock_timestamp());
            RETURN NULL;
        END $$"""
    schedule = f"""
        CREATE OR REPLACE FUNCTION schedules_touch_schedule() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format(
                'INSERT INTO {TOUCHED} (periodic_task_id, at)'
                ' SELECT id, clock_timestamp() FROM {TASKS} WHERE %I = $1', TG_ARGV[0]
            ) USING NEW.id;
            RETURN NULL;
        END $$"""
    deferred = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION"
    triggers = [
        f"CREATE CONSTRAINT TRIGGER schedules_touch AFTER INSERT OR DELETE OR UPDATE OF {EDITED}"
        f" ON {TASKS} {deferred} schedules_touch_task()"
    ]
    for table, column in SCHEDULES.items():
        triggers.append(
            f"CREATE CONSTRAINT TRIGGER schedules_touch AFTER UPDATE ON {table}"
            f" {deferred} schedules_touch_schedule('{column}')"
        )
    return [task, schedule, *triggers]


def _sqlite() -> list[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    triggers = []
    for event, row in (("insert", "NEW"), (f"update OF {EDITED}", "NEW"), ("delete", "OLD")):
        name = event.partition(" ")[0]
        triggers.append(
            f"CREATE TRIGGER schedules_touch_{name} AFTER {event} ON {TASKS} BEGIN"
            f" INSERT INTO {TOUCHED} (periodic_task_id, at) VALUES ({row}.id, {now}); END"
        )
    for table, column in SCHEDULES.items():
        triggers.append(
            f"CREATE TRIGGER schedules_touch_{column} AFTER UPDATE ON {table} BEGIN"
            f" INSERT INTO {TOUCHED} (periodic_task_id, at)"
            f" SELECT id, {now} FROM {TASKS} WHERE {column} = NEW.id; END"
        )
    return triggers
