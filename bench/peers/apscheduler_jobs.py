"""APScheduler in a thread of one process, as web applications run it.

`python -m bench.peers.apscheduler_jobs burst N` has N jobs in a table of PostgreSQL that are due at
once and prints how many a second were run; `logged N` runs N jobs from memory, each of which writes
its own log row at its start and its end, as applications do that must know.
"""

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine

THREADS = 2
AHEAD = timedelta(seconds=1.5)
AT_LEAST = 2.0  # seconds between the last preparation and the instant

_local = threading.local()
_done = threading.Semaphore(0)


def _connect() -> Any:
    at = json.loads(os.environ["BENCH_DATABASE"])
    return psycopg.connect(
        dbname=at["NAME"],
        host=at["HOST"],
        user=at["USER"],
        port=at["PORT"] or None,
        autocommit=True,
    )


def noop() -> None:
    """Do nothing but count."""
    _done.release()


def logged(number: int) -> None:
    """Do nothing, and leave a log row that says so."""
    if not hasattr(_local, "connection"):
        _local.connection = _connect()
    connection = _local.connection
    row = connection.execute(
        "INSERT INTO log (job, started_at, state) VALUES (%s, clock_timestamp(), 'running')"
        " RETURNING id",
        [f"job {number}"],
    ).fetchone()
    connection.execute(
        "UPDATE log SET state = 'succeeded', ended_at = clock_timestamp() WHERE id = %s", row
    )
    _done.release()


def _scheduler(**more: Any) -> BackgroundScheduler:
    defaults = {"misfire_grace_time": None}
    pools = {"default": ThreadPoolExecutor(THREADS)}
    return BackgroundScheduler(timezone=UTC, job_defaults=defaults, executors=pools, **more)


def burst(count: int) -> float:
    """Return the jobs a second, from the instant at which all are due."""
    engine = create_engine("postgresql+psycopg://", creator=_connect_in_transactions)
    scheduler = _scheduler(jobstores={"default": SQLAlchemyJobStore(engine=engine)})
    scheduler.start(paused=True)
    at = datetime.now(UTC) + timedelta(seconds=AT_LEAST + count / 400)
    for number in range(count):
        scheduler.add_job(noop, "date", run_date=at, id=str(number))
    scheduler.resume()
    return _rate(scheduler, count, since=max(at.timestamp(), time.time()))


def _connect_in_transactions() -> Any:
    connection = _connect()
    connection.autocommit = False
    return connection


def with_log(count: int) -> float:
    """Return the jobs a second, each with its log row."""
    with _connect() as connection:
        connection.execute(
            "CREATE TABLE log (id bigserial PRIMARY KEY, job text NOT NULL,"
            " started_at timestamptz NOT NULL, ended_at timestamptz, state text NOT NULL)"
        )
    scheduler = _scheduler()
    scheduler.start(paused=True)
    at = datetime.now(UTC) + AHEAD + timedelta(seconds=count / 5000)
    for number in range(count):
        scheduler.add_job(logged, "date", run_date=at, args=[number])
    scheduler.resume()
    return _rate(scheduler, count, since=max(at.timestamp(), time.time()))


def _rate(scheduler: BackgroundScheduler, count: int, *, since: float) -> float:
    for _ in range(count):
        _done.acquire()
    took = time.time() - since
    scheduler.shutdown(wait=False)
    return count / took


if __name__ == "__main__":
    measured = {"burst": burst, "logged": with_log}[sys.argv[1]](int(sys.argv[2]))
    sys.stdout.write(f"{measured}\n")
