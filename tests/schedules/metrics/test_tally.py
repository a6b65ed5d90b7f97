"""Counters only grow, count each end once, and survive the deletion of the runs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from schedules.metrics import tally
from schedules.metrics.tally import LAG, Key, count_ended
from schedules.models import Job, Run, Tally
from schedules.states import RunState

pytestmark = pytest.mark.django_db

Make = Callable[..., Any]


def figures() -> dict[Key, float]:
    return {Key(t.metric, t.job_key, t.label): t.value for t in Tally.objects.all()}


@pytest.fixture
def end(make_run: Make, now: datetime) -> Callable[..., Run]:
    def make(state: RunState = RunState.SUCCEEDED, *, late: float = 0, **fields: Any) -> Run:
        values: dict[str, Any] = {
            "state": state,
            "started_at": now + timedelta(seconds=late),
            "finished_at": now + timedelta(seconds=late + 2),
            "attempt": 1,
            "sends": 1,
            **fields,
        }
        return make_run(**values)  # type: ignore[no-any-return]

    return make


def test_each_end_is_counted_once(end: Make, make_job: Make, now: datetime) -> None:
    job = make_job("nightly")
    end(job=job, job_key="nightly", late=0.2)
    end(RunState.FAILED, job=job, job_key="nightly", late=400, attempt=3, sends=4)
    end(RunState.MISSED, started_at=None, finished_at=now, count=40, attempt=0)
    later = now + timedelta(hours=1)

    count_ended(now=later)
    count_ended(now=later)

    assert figures() == {
        Key("runs", "nightly", "succeeded"): 1,
        Key("runs", "nightly", "failed"): 1,
        Key("runs", "sample_jobs.add", "missed"): 40,
        Key("claims"): 4,
        Key("resends"): 3,
        Key("late", "", "0.25"): 1,
        Key("late", "", "+Inf"): 1,
        Key("late_sum"): 400.2,
        Key("timed", "nightly"): 2,
        Key("seconds", "nightly"): 4,
    }


def test_what_has_just_ended_is_counted_when_it_is_surely_committed(
    end: Make, now: datetime
) -> None:
    end(finished_at=now)

    count_ended(now=now + LAG - timedelta(seconds=1))
    assert figures() == {}
    count_ended(now=now + LAG)

    assert figures()[Key("claims")] == 1


def test_deleting_runs_takes_nothing_back(end: Make, now: datetime) -> None:
    end()
    count_ended(now=now + timedelta(hours=1))
    Run.objects.all().delete()
    end(finished_at=now + timedelta(hours=2))

    count_ended(now=now + timedelta(hours=3))

    assert figures()[Key("runs", "sample_jobs.add", "succeeded")] == 2


def test_chunks_lose_nothing_where_many_end_at_one_instant(
    end: Make, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "CHUNK", 3)
    for second in (1, 1, 2, 2, 2, 2, 2, 3, 4):
        end(finished_at=now + timedelta(seconds=second), started_at=None)

    count_ended(now=now + timedelta(hours=1))

    assert figures()[Key("runs", "sample_jobs.add", "succeeded")] == 9


def test_a_look_at_nothing_new_asks_two_questions(
    end: Make, now: datetime, django_assert_num_queries: Any
) -> None:
    end()
    count_ended(now=now + timedelta(hours=1))

    with django_assert_num_queries(2):
        count_ended(now=now + timedelta(hours=1))


def test_a_long_silence_is_made_up_for_over_several_looks(
    end: Make, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "MOST_TIME", timedelta(0))
    end()
    job: Job | None = None

    assert job is None
    count_ended(now=now + timedelta(hours=1))
    assert figures() == {}
    monkeypatch.setattr(tally, "MOST_TIME", timedelta(seconds=5))
    count_ended(now=now + timedelta(hours=1))

    assert figures()[Key("claims")] == 1
