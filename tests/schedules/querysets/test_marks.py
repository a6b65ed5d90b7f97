"""Which runs the broker was told about."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection

from schedules.broker import EMPTY
from schedules.dispatch import plan_due, take_outbox
from schedules.models import Job, Run
from schedules.querysets.marks import mark_sent, mark_unsent
from schedules.states import RunState

pytestmark = pytest.mark.django_db


def test_only_what_is_on_its_way_is_marked_as_sent(make_run: Callable[..., Run]) -> None:
    on_its_way, other = make_run(state=RunState.SENT), make_run(state=RunState.SENT)
    # Taken meanwhile; and then held for a slot, moved to a later time, or to be tried again.
    taken, waits, again = (
        make_run(state=state) for state in (RunState.RUNNING, RunState.PLANNED, RunState.RETRYING)
    )

    news = mark_sent(connection, [run.task_id for run in (on_its_way, taken, waits, again)])

    assert news == 1
    runs = [Run.objects.get(pk=run.pk) for run in (on_its_way, taken, waits, again, other)]
    assert [run.state for run in runs] == ["sent", "running", "planned", "retrying", "sent"]
    assert [run.sent_at is not None for run in runs] == [True, False, False, False, False]


def test_what_the_broker_refuses_is_again_what_it_was_before_it_was_offered(
    make_run: Callable[..., Run], now: datetime
) -> None:
    first_try = make_run()
    again = make_run(state=RunState.RETRYING, attempt=1)
    runs = take_outbox(now=now, limit=9, backlog=EMPTY)
    assert {run.pk for run in runs} == {first_try.pk, again.pk}

    assert mark_unsent(connection, [run.task_id for run in runs]) == 2

    states = [Run.objects.get(pk=run.pk).state for run in (first_try, again)]
    assert states == [RunState.PLANNED, RunState.RETRYING]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps only what has changed")
def test_the_mark_of_what_its_planner_sends_is_in_no_index_anew(
    make_job: Callable[..., Job], now: datetime
) -> None:
    for number in range(200):
        make_job(f"job {number}")
    runs = plan_due(now=now)

    before = _written_beside_their_old_version()

    assert mark_sent(connection, [run.task_id for run in runs]) == 200

    assert _written_beside_their_old_version() - before == 200


def _written_beside_their_old_version() -> int:
    """Return how many runs were since this connection last reported, which may be tests ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('schedules_run'::regclass)")
        return int(cursor.fetchone()[0])
