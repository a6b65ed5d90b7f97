"""How many messages a worker takes: what its processes can begin, and more behind short runs."""

import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from celery.utils.imports import symbol_by_name
from celery.worker.request import create_request_cls  # type: ignore[attr-defined]
from kombu import Connection, Queue

from schedules.intake import MOST, SHORT, TakenTogether, remember, room
from tests.broker import running_broker
from tests.schedules.sample_jobs import add


def of_length(seconds: float) -> str:
    name = f"of {seconds} seconds {uuid4()}"
    remember(name, seconds=seconds)
    return name


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.intake._longest", {})


@pytest.fixture
def short() -> str:
    return of_length(SHORT / 100)


def asks_for(*taken: tuple[str, float | None]) -> int:
    return room(processes=2, taken=taken)


def test_a_free_process_has_room() -> None:
    assert asks_for() == 2
    assert asks_for(("unknown", 9.0)) == 1


def test_behind_runs_of_unknown_length_nothing_is_taken() -> None:
    assert asks_for(("unknown", 0.0), ("unknown", 0.0)) == 0


def test_one_message_is_taken_behind_each_short_run(short: str) -> None:
    of_length(SHORT * 40)

    assert asks_for((short, 0.0), ("unknown", 9.0)) == 1
    assert asks_for((short, 0.0), ("unknown", 9.0), (short, None)) == 0
    assert asks_for((short, 0.0), (short, 0.0), (short, None)) == 1


def test_where_all_runs_are_short_some_are_taken_behind_each_and_asked_for_together(
    short: str,
) -> None:
    running, waiting = (short, 0.0), (short, None)

    assert asks_for(running, running) == 2 * MOST
    assert asks_for(running, running, *[waiting] * 3) == MOST
    assert asks_for(running, running, *[waiting] * 4) == 0, "half of them are there yet"


def test_a_message_waits_for_no_more_runs_than_are_over_soon() -> None:
    running = (of_length(SHORT * 0.4), 0.0)

    assert asks_for(running, running) == 2 * 2


def test_what_a_long_run_would_hold_up_is_not_taken_with_it(short: str) -> None:
    running = (short, 0.0)
    assert asks_for(running, (short, SHORT)) == 1, "one process is at a long run"

    of_length(SHORT * 2)
    assert asks_for(running, running) == 2, "long runs come by"

    for _ in range(600):
        remember(short, seconds=SHORT / 100)
    assert asks_for(running, running) == 2 * MOST, "none has for long"


def test_a_process_that_was_handed_a_short_run_is_free_as_soon_as_one_that_began(
    short: str,
) -> None:
    assert asks_for((short, 0.0), (short, None), (short, None)) == asks_for(
        (short, 0.0), (short, 0.0), (short, None)
    )


def test_a_short_job_that_takes_long_this_time_holds_nothing(short: str) -> None:
    assert asks_for((short, SHORT), ("unknown", 9.0)) == 0
    assert asks_for((short, SHORT), (short, SHORT), (short, None)) < 1


def test_one_long_run_outweighs_many_short_ones_but_not_for_ever(short: str) -> None:
    remember(short, seconds=2)
    remember(short, seconds=0.001)
    assert asks_for((short, 0.0), ("unknown", 9.0)) == 0

    for _ in range(40):
        remember(short, seconds=0.001)
    assert asks_for((short, 0.0), ("unknown", 9.0)) > 0


@pytest.mark.parametrize(
    ("started_ago", "told"), [(0.0, 2.0), (2.0, None)], ids=["succeeded", "was ignored or failed"]
)
def test_what_a_worker_makes_of_a_message_of_ours_remembers_how_long_its_run_took(
    short: str, started_ago: float, told: float | None
) -> None:
    base = symbol_by_name(add.Request)
    made = create_request_cls(base, add, SimpleNamespace(apply_async=None), "here", None)
    message = made.__new__(made)
    message.name, message.id, message.time_start = short, "1", time.time() - started_ago

    message.on_success((0, "done", told))

    assert asks_for((short, 0.0), ("unknown", 9.0)) == 0


class Listening:
    """What a worker hears on its channel, of which it wants so many messages at a time."""

    def __init__(self, connection: Connection, wanted: int) -> None:
        self.channel: Any = connection.default_channel
        self.bodies: list[str] = []
        heard = lambda body, message: self.bodies.append(body)  # noqa: E731
        connection.Consumer([Queue("some")], callbacks=[heard], no_ack=True).consume()
        self._producer: Any = connection.Producer(channel=connection.channel())
        TakenTogether(self.channel, lambda: wanted)

    def sends(self, *bodies: str, priority: int = 0) -> None:
        for body in bodies:
            self._producer.publish(body, routing_key="some", priority=priority)

    def hears(self) -> list[str]:
        """What one way there and back brings."""
        self.bodies.clear()
        self.channel.connection.cycle.on_poll_start()
        self.channel.handlers["BRPOP"]()
        return [*self.bodies]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    options = {"priority_steps": [0, 6], "queue_order_strategy": "priority", "brpop_timeout": 0.1}
    with (
        running_broker(tmp_path) as url,
        Connection(url, transport_options=options) as connection,
    ):
        yield connection


def test_as_many_messages_as_are_wanted_come_in_one_way_there_and_back(
    connection: Connection,
) -> None:
    worker = Listening(connection, wanted=3)
    worker.sends("a", "b", "c", "d")

    assert worker.hears() == ["a", "b", "c"]
    assert worker.hears() == ["d"]
    with pytest.raises(Empty):
        worker.hears()


def test_the_urgent_come_first_and_by_themselves(connection: Connection) -> None:
    worker = Listening(connection, wanted=3)
    worker.sends("later", priority=6)
    worker.sends("now", priority=0)

    assert worker.hears() == ["now"]
    assert worker.hears() == ["later"]


def test_what_came_with_a_message_that_makes_no_sense_is_heard(connection: Connection) -> None:
    worker = Listening(connection, wanted=3)
    worker.sends("a")
    worker.channel.client.lpush("some", "no JSON")
    worker.sends("b")

    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        worker.hears()

    assert worker.bodies == ["a", "b"]


def test_what_has_come_when_the_channel_closes_is_heard_to_the_last(
    connection: Connection,
) -> None:
    worker = Listening(connection, wanted=3)
    worker.sends("a", "b", "c")
    worker.channel.connection.cycle.on_poll_start()

    worker.channel.close()

    assert worker.bodies == ["a", "b", "c"]


def test_a_server_that_gives_one_at_a_time_is_asked_for_one_at_a_time(
    connection: Connection,
) -> None:
    connection.default_channel.client.execute_command("ACL", "SETUSER", "default", "-blmpop")  # type: ignore[attr-defined]
    worker = Listening(connection, wanted=3)
    worker.sends("a", "b")

    with pytest.raises(Empty):
        worker.hears()

    assert worker.hears() == ["a"]
    assert worker.hears() == ["b"]
