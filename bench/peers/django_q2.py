"""django-q2: `python -m bench.peers.django_q2 burst N` prints how many schedules that are due at
once it puts into its queue a second; `send N` fills the queue of a cluster, `results 0` counts what
it has kept.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_q2_settings")

NOOP = "bench.peers.django_q2.noop"


def noop() -> None:
    """Do nothing."""


def burst(count: int) -> None:
    """Let its own scheduler find them all."""
    from django_q.models import Schedule
    from django_q.scheduler import scheduler

    ago = datetime.now(UTC) - timedelta(seconds=1)
    Schedule.objects.bulk_create(
        Schedule(
            name=f"filled-{number}",
            func=NOOP,
            schedule_type=Schedule.DAILY,
            next_run=ago,
        )
        for number in range(count)
    )
    began = time.time()
    scheduler()
    sys.stdout.write(f"{count / (time.time() - began)}\n")


def send(count: int) -> None:
    """Put calls into the queue, between two that write down the time."""
    from django_q.tasks import async_task

    # By name: a function of the program that is run would be looked for in the cluster's.
    async_task("bench.marks.mark", "first")
    for _ in range(count):
        async_task(NOOP)
    async_task("bench.marks.mark", "last")


def results(_: int) -> None:
    """Print how many outcomes it has kept."""
    from django_q.models import Success

    sys.stdout.write(f"{Success.objects.count()}\n")


def main() -> None:
    """Read the command line."""
    import django

    django.setup()
    {"burst": burst, "send": send, "results": results}[sys.argv[1]](int(sys.argv[2]))


if __name__ == "__main__":
    main()
