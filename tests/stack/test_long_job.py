"""A long job delays nobody: not with SQLite's one writer, nor where other processes are free."""

from datetime import UTC, datetime, timedelta

import pytest

from project.devstack.waiting import wait_until
from tests.stack import stack_jobs as jobs
from tests.stack.facts import all_ended, effects, ended, run_of
from tests.stack.system import System

pytestmark = pytest.mark.stack


@pytest.mark.smoke
def test_short_jobs_run_on_time_beside_a_long_one(running: System) -> None:
    long_one = jobs.work_in_batches.delay(8.0)
    first = datetime.now(UTC) + timedelta(seconds=1)
    short_ones = [
        jobs.effect.apply_async(("beside",), eta=first + timedelta(seconds=0.2) * number)
        for number in range(30)
    ]

    all_ended(short_ones)
    assert run_of(long_one).state == "running", "they ran beside it"

    delays = []
    for one in short_ones:
        run = run_of(one)
        assert run.started_at is not None
        delays.append(run.started_at - run.due_at)
    assert timedelta(0) <= min(delays)
    # Behind it, the first would be 7 s late. How late on a quiet machine is told by `./run load`.
    assert max(delays) < timedelta(seconds=5)
    assert ended(long_one).progress == {"done": 32, "total": 32}
    assert (effects("beside"), effects(f"batch {long_one.id}")) == (30, 32)


def test_no_message_waits_in_a_busy_worker_while_another_has_a_process_free(
    running: System,
) -> None:
    if running.broker_url.startswith("amqp"):
        pytest.skip("RabbitMQ sends as many messages as a worker has processes beside its runs")
    long_ones = [jobs.hold.delay(f"busy {number}") for number in range(2)]
    wait_until(lambda: len(running.lines("busy 0.started")) == 1, what="a long run")
    wait_until(lambda: len(running.lines("busy 1.started")) == 1, what="another")
    later = [jobs.effect.delay("elsewhere") for _ in range(2)]

    free = running.start_worker("free")
    all_ended(later)

    assert [run_of(one).state for one in long_ones] == ["running", "running"]
    assert [run_of(one).sends for one in later] == [1, 1], "nobody had to send them once more"
    running.release("busy 0")
    running.release("busy 1")
    all_ended(long_ones)
    free.kill("SIGTERM")
