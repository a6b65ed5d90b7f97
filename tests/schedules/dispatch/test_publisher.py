"""The publisher's room."""

import time
from collections.abc import Callable

import pytest
from django.db import connection

from schedules.dispatch.publisher import MOST_HELD, Publisher
from schedules.models import Run

pytestmark = pytest.mark.django_db


def test_room_that_was_waited_for_in_vain_is_not_waited_for_again_until_there_is_some(
    make_run: Callable[..., Run],
) -> None:
    publisher = Publisher()
    publisher.hand_over([make_run()] * (MOST_HELD + 1))
    assert not publisher.has_room(0.01)
    begun = time.monotonic()

    assert not publisher.has_room(60)
    assert time.monotonic() - begun < 10

    publisher._waiting.clear()
    assert publisher.has_room(60)


def test_the_one_writer_of_sqlite_plans_only_when_all_is_out(make_run: Callable[..., Run]) -> None:
    publisher = Publisher()

    publisher.hand_over([make_run()])

    assert publisher.has_room(0.01) == (connection.vendor != "sqlite")
