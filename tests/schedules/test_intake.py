"""How many messages a worker takes: what its processes can begin, and more behind short runs."""

import time
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery.utils.imports import symbol_by_name
from celery.worker.request import create_request_cls  # type: ignore[attr-defined]

from schedules.intake import SHORT, has_room, remember
from tests.schedules.sample_jobs import add


@pytest.fixture
def short() -> str:
    name = f"short {uuid4()}"
    remember(name, seconds=SHORT / 10)
    return name


def room(*executing: tuple[str, float], taken: int) -> bool:
    return has_room(taken=taken, processes=2, executing=executing)


def test_a_free_process_has_room() -> None:
    assert room(("unknown", 9.0), taken=1)


def test_behind_runs_of_unknown_length_nothing_is_taken() -> None:
    assert not room(("unknown", 0.0), ("unknown", 0.0), taken=2)


def test_one_message_is_taken_behind_each_short_run(short: str) -> None:
    assert room((short, 0.0), ("unknown", 9.0), taken=2)
    assert not room((short, 0.0), ("unknown", 9.0), taken=3)
    assert room((short, 0.0), (short, 0.0), taken=3)


def test_a_short_job_that_takes_long_this_time_holds_nothing(short: str) -> None:
    assert not room((short, SHORT), ("unknown", 9.0), taken=2)


def test_one_long_run_outweighs_many_short_ones_but_not_for_ever(short: str) -> None:
    remember(short, seconds=2)
    remember(short, seconds=0.001)
    assert not room((short, 0.0), taken=2)

    for _ in range(40):
        remember(short, seconds=0.001)
    assert room((short, 0.0), taken=2)


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

    assert not room((short, 0.0), taken=2)
