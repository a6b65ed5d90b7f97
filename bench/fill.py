"""`python -m bench.fill --runs 1000000`: fills the log of the configured database, for measuring.

Everything is written by the database itself, a quarter of a million rows at a time. The runs are
those of jobs of its own, which are disabled, so that a Beat that finds them plans nothing.
"""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta

import django

JOBS = 40
DAYS = 30
BATCH = 250_000
NEWEST_WITH_RESULTS = 20_000

_NUMBERS = {
    "sqlite": (
        "WITH RECURSIVE numbers(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM numbers"
        " WHERE n + 1 < %s) "
    ),
    "postgresql": "WITH numbers(n) AS (SELECT generate_series(%s::bigint, %s::bigint - 1)) ",
}
_AT = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', {seconds}, 'unixepoch') || '000'",
    "postgresql": "to_timestamp(({seconds})::float8)",
}
_UUID = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
_JSON = {"sqlite": "'{0}'", "postgresql": "'{0}'::jsonb"}
_TEXT_OF_ID = {
    "sqlite": (
        "substr(task_id,1,8)||'-'||substr(task_id,9,4)||'-'||substr(task_id,13,4)||'-'"
        "||substr(task_id,17,4)||'-'||substr(task_id,21)"
    ),
    "postgresql": "task_id::text",
}

_STATE = """CASE
    WHEN (n * 7919) %% 1000 < 962 THEN 'succeeded' WHEN (n * 7919) %% 1000 < 976 THEN 'failed'
    WHEN (n * 7919) %% 1000 < 988 THEN 'skipped' WHEN (n * 7919) %% 1000 < 994 THEN 'missed'
    WHEN (n * 7919) %% 1000 < 997 THEN 'timed_out' ELSE 'lost' END"""


def fill(*, runs: int, now: datetime) -> None:
    """Write `runs` ended runs of the last thirty days, with attempts, results and sums."""
    from django.db import connection, transaction

    vendor, job_ids = connection.vendor, make_jobs(now=now)
    step = DAYS * 86_400 * JOBS / runs
    for first in range(0, runs, BATCH):
        last = min(first + BATCH, runs)
        with transaction.atomic(), connection.cursor() as cursor:
            statement = _insert_runs(vendor, job_ids[0], end=now.timestamp(), step=step)
            cursor.execute(statement, [first, last])
        sys.stderr.write(f"{last} runs\n")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what follows would be planned for empty tables
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO schedules_attempt (run_id, number, instance_id, pid, started_at,"
            " ended_at, outcome, error) SELECT id, 1, NULL, pid, started_at, finished_at, state,"
            " error FROM schedules_run WHERE job_id BETWEEN %s AND %s AND started_at IS NOT NULL",
            [job_ids[0], job_ids[-1]],
        )
        cursor.execute(_insert_results(vendor), [job_ids[0], NEWEST_WITH_RESULTS])
    _add_up(now=now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def make_jobs(*, now: datetime) -> list[int]:
    """Make the jobs, disabled, with numbers in a row, and return their numbers."""
    from schedules.models import Job
    from schedules.timing import Every, to_spec

    spec = to_spec(Every(timedelta(minutes=1), anchor=now.replace(microsecond=0)))
    made = [
        Job(
            key=f"filled-{now:%s}-{number:02}",
            name_en=f"Filled job {number:02}",
            task="bench.filled",
            timetable=spec,
            is_enabled=False,
            version=1,
        )
        for number in range(JOBS)
    ]
    return [job.pk for job in Job.objects.bulk_create(made)]


def _insert_runs(vendor: str, first_job: int, *, end: float, step: float) -> str:
    scheduled = f"({end:.3f} - (n / {JOBS}) * {step:.6f} - (n %% {JOBS}) * 0.01)"
    late = "((n * 31) %% 100) * 0.004"
    took = f"((n * 613) %% 997) * 0.002 * (1 + n %% {JOBS} / 8)"
    never = f"({_STATE}) IN ('missed', 'skipped')"

    def at(seconds: str) -> str:
        return _AT[vendor].format(seconds=seconds)

    columns = {
        "job_id": f"{first_job} + n %% {JOBS}",
        "job_key": f"'filled-' || (n %% {JOBS})",
        "origin": "'timetable'",
        "task_id": _UUID[vendor],
        "task": "'bench.filled'",
        "args": _JSON[vendor].format("[]"),
        "kwargs": _JSON[vendor].format("{}"),
        "options": _JSON[vendor].format("{}"),
        "scheduled_at": at(scheduled),
        "due_at": at(scheduled),
        "created_at": at(scheduled),
        "count": "1",
        "state": _STATE,
        "attempt": f"CASE WHEN {never} THEN 0 ELSE 1 END",
        "retries": "0",
        "priority": "0",
        "queue": "''",
        "sends": "1",
        "sent_at": at(f"{scheduled} + 0.01"),
        "pid": "4711",
        "started_at": f"CASE WHEN {never} THEN NULL ELSE {at(f'{scheduled} + {late}')} END",
        "finished_at": at(f"{scheduled} + {late} + {took}"),
        "reason": f"CASE WHEN {never} THEN 'an earlier run was not done' ELSE '' END",
        "error": f"CASE WHEN ({_STATE}) = 'failed' THEN 'ValueError: row ' || n ELSE '' END",
        "summary": f"CASE WHEN ({_STATE}) = 'succeeded' THEN n || ' rows' ELSE '' END",
        "log": "''",
        "suspect_reason": "''",
        "requested_by": "''",
    }
    return (
        f"INSERT INTO schedules_run ({', '.join(columns)}) {_NUMBERS[vendor]}"  # noqa: S608
        f"SELECT {', '.join(columns.values())} FROM numbers"
    )


def _insert_results(vendor: str) -> str:
    return (
        "INSERT INTO django_celery_results_taskresult (task_id, task_name, status, content_type,"  # noqa: S608
        " content_encoding, result, date_created, date_done, meta, task_args, task_kwargs, worker,"
        f" periodic_task_name, traceback) SELECT {_TEXT_OF_ID[vendor]}, task, CASE WHEN state ="
        " 'succeeded' THEN 'SUCCESS' ELSE 'FAILURE' END, 'application/json', 'utf-8',"
        " '{\"rows\": ' || (id %% 100) || '}', finished_at, finished_at, '{}', '[]', '{}', '',"
        " job_key, NULL FROM schedules_run WHERE job_id >= %s AND started_at IS NOT NULL"
        " ORDER BY scheduled_at DESC LIMIT %s"
    )


def _add_up(*, now: datetime) -> None:
    """What Beat does as runs end, here for all of them."""
    from schedules.operations.day_totals import add_up_ended

    later = now + timedelta(hours=1)
    for _ in range(DAYS + 40):
        add_up_ended(now=later)


def main() -> None:
    """Read the command line and fill."""
    parser = argparse.ArgumentParser(prog="bench.fill", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    fill(runs=parser.parse_args().runs, now=datetime.now(UTC))


if __name__ == "__main__":
    main()
