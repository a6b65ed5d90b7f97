"""Plain Celery whose results are ignored: nothing is written anywhere.

`celery -A bench.peers.plain worker`, and `python -m bench.peers.plain N` to fill its queue.
"""

import os
import sys

from celery import Celery

from bench.marks import mark

app = Celery("plain", broker=os.environ["BENCH_BROKER"])
app.conf.update(task_ignore_result=True, timezone="UTC")
if "BENCH_OUR_TRANSPORT" in os.environ:
    # What our workers do without, because a row of the ledger decides; whoever has no such row
    # loses with it what a dying worker had taken.
    app.conf.update(
        broker_transport_options={"ack_emulation": False},
        worker_send_task_events=False,
        worker_prefetch_multiplier=1,
    )


@app.task(name="plain.noop")
def noop() -> None:
    """Do nothing."""


@app.task(name="plain.note")
def note(name: str) -> None:
    """Write down the time under a name."""
    mark(name)


def send(count: int) -> None:
    """Put calls into the queue, between two that write down the time."""
    note.delay("first")
    with app.producer_or_acquire() as producer:
        for _ in range(count):
            noop.apply_async(producer=producer)
    note.delay("last")


if __name__ == "__main__":
    send(int(sys.argv[1]))
