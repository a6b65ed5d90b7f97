"""RedBeat, whose schedule is in Redis.

`celery -A bench.peers.redbeat_jobs beat -S redbeat.RedBeatScheduler`, and
`python -m bench.peers.redbeat_jobs N AT` to write N jobs that are due at an instant.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

from celery import Celery
from celery.schedules import schedule

app = Celery("redbeat_jobs", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    timezone="UTC",
    task_ignore_result=True,
    redbeat_redis_url=os.environ["BENCH_BROKER"].rpartition("/")[0] + "/1",
    beat_max_loop_interval=1,
)


@app.task(name="redbeat.noop")
def noop() -> None:
    """Do nothing."""


def fill(count: int, at: float) -> None:
    """Write daily jobs whose next occurrence is at an instant."""
    from redbeat import RedBeatSchedulerEntry

    day = timedelta(days=1)
    before = datetime.fromtimestamp(at, UTC) - day
    for number in range(count):
        entry = RedBeatSchedulerEntry(
            f"filled-{number}", "redbeat.noop", schedule(day, app=app), app=app, last_run_at=before
        )
        entry.save()


if __name__ == "__main__":
    fill(int(sys.argv[1]), float(sys.argv[2]))
