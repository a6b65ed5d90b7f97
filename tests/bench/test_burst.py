"""A burst counts as published when each of its runs has its message, and not before."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from bench.fill_jobs import fill_jobs, let_be_due
from bench.programs import ProgramFailed
from bench.servers import QUEUES, Servers
from bench.work import Bench, Wish
from bench.works import w3_burst
from schedules.dispatch import plan_due
from schedules.dispatch.publish import publish
from schedules.querysets.clock import database_now
from tasks.meetings.jobs import recover_meetings
from tests.broker import running_broker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench with a broker, which does not wait for what does not come."""
    monkeypatch.setattr(w3_burst, "PATIENCE", 0)
    with running_broker(tmp_path) as url, Redis.from_url(url) as client:
        servers = Servers()
        servers.redis = client
        yield Bench(Wish(), servers)


def burst_of(count: int, *, unsent: int = 0) -> list[int]:
    """Plan the runs of so many jobs, and send all but `unsent`; return the jobs' numbers."""
    numbers, now = fill_jobs(count, task=recover_meetings.name), database_now()
    let_be_due(numbers, at=now, count=count)
    runs = plan_due(now=now)
    assert publish(runs[unsent:]) == count - unsent
    return numbers


def steal(bench: Bench) -> bytes:
    """Take a message out of the broker."""
    [stolen] = filter(None, map(bench.servers.redis.rpop, QUEUES))
    assert isinstance(stolen, bytes)
    return stolen


def test_it_is_out_when_the_last_message_has_come(bench: Bench) -> None:
    numbers, at = burst_of(3), time.time()

    assert at <= w3_burst._all_published(bench, numbers, 3, at) <= time.time()

    w3_burst._check_messages(bench, numbers, 3)


def test_a_message_that_was_sent_twice_stands_for_no_other_run(bench: Bench) -> None:
    numbers = burst_of(3, unsent=1)
    message = steal(bench)
    bench.servers.redis.lpush(QUEUES[0], message, message)

    with pytest.raises(ProgramFailed, match=r"3 messages, and 2 of 3 runs noted as sent; no more"):
        w3_burst._all_published(bench, numbers, 3, time.time())


def test_a_lost_message_is_a_failure_and_is_not_waited_for_without_end(bench: Bench) -> None:
    numbers = burst_of(3)
    steal(bench)

    with pytest.raises(ProgramFailed, match=r"2 messages, and 3 of 3 runs noted as sent; no more"):
        w3_burst._all_published(bench, numbers, 3, time.time())

    with pytest.raises(ProgramFailed, match="of 3 runs 3 were sent, 1 without a message"):
        w3_burst._check_messages(bench, numbers, 3)
