"""Celery's own ways to combine tasks, between declared tasks and mixed with others."""

from typing import Any

import pytest
from celery import chain, chord, group
from celery.result import AsyncResult, EagerResult

from project.devstack.waiting import wait_until
from schedules.models import Run
from tests.stack import stack_jobs as jobs
from tests.stack.facts import ended, outcomes, run_of, value_of
from tests.stack.system import System

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("running")]


@pytest.mark.smoke
def test_a_call_returns_its_result() -> None:
    result = jobs.add.delay(2, y=3)

    assert value_of(result) == 5
    assert (result.state, result.successful()) == ("SUCCESS", True)
    assert run_of(result).state == "succeeded"


@pytest.mark.smoke
def test_a_chain_hands_each_result_to_the_next() -> None:
    last = chain(jobs.add.s(1, 2), jobs.add.s(10), jobs.add.s(100))()

    assert value_of(last) == 113
    assert value_of(last.parent) == 13
    assert value_of(last.parent.parent) == 3


def test_a_chain_mixes_declared_tasks_with_others() -> None:
    assert value_of(chain(jobs.plain_add.s(1, 2), jobs.add.s(10), jobs.plain_add.s(100))()) == 113
    assert value_of(chain(jobs.add.s(1, 2), jobs.plain_add.s(10), jobs.add.s(100))()) == 113


def test_a_group_returns_every_result_in_order() -> None:
    assert value_of(group(jobs.add.s(n, n) for n in range(5))()) == [0, 2, 4, 6, 8]
    assert value_of(group(jobs.add.s(1, 1), jobs.plain_add.s(2, 2))()) == [2, 4]


@pytest.mark.smoke
def test_a_chord_calls_its_body_with_every_result() -> None:
    assert value_of(chord((jobs.add.s(n, n) for n in range(5)), jobs.total.s())()) == 20


def test_a_chord_mixes_declared_tasks_with_others() -> None:
    header = [jobs.add.s(1, 1), jobs.plain_add.s(2, 2), jobs.add.s(3, 3)]

    assert value_of(chord(header, jobs.total.s())()) == 12


def test_a_chain_of_chords_inside_chords_completes() -> None:
    inner = chord([jobs.add.s(1, 1), jobs.add.s(2, 2)], jobs.total.s())
    canvas = chain(
        chord([inner, jobs.add.s(4, 0)], jobs.total.s()),
        jobs.add.s(100),
        group(jobs.add.s(1), jobs.add.s(2)),
        jobs.total.s(),
    )

    assert value_of(canvas()) == (110 + 1) + (110 + 2)


def test_links_are_called_with_the_result_or_after_the_failure(running: System) -> None:
    jobs.add.apply_async((1, 2), link=jobs.witness.si("links", "linked"))
    jobs.fail.apply_async(("on purpose",), link_error=jobs.note_failure.si("links"))

    wait_until(
        lambda: sorted(running.lines("links")) == ["failed", "linked"], what="both callbacks"
    )


def test_nobody_waits_for_ever_behind_a_failed_first_element() -> None:
    last = chain(jobs.fail.si("on purpose"), jobs.add.si(1, 1), jobs.add.si(2, 2))()

    with pytest.raises(ValueError, match="on purpose"):
        value_of(last)


def test_a_failed_part_of_a_chord_fails_its_body() -> None:
    body = chord([jobs.add.s(1, 1), jobs.fail.si("on purpose")], jobs.total.s())()

    with pytest.raises(Exception, match="on purpose"):
        value_of(body)


def test_a_skipped_element_ends_the_chain_for_whoever_waits() -> None:
    first = jobs.add.s(1, 1).set(countdown=3600)
    last = chain(first, jobs.add.s(1))()

    last.parent.revoke()

    with pytest.raises(Exception, match="revoked"):
        value_of(last)


def test_a_retry_is_the_same_run_with_more_attempts() -> None:
    result = jobs.try_until.delay(2, countdown=1)

    assert value_of(result) == 2
    run = ended(result)
    assert (run.attempt, outcomes(result)) == (3, ["retrying", "retrying", "succeeded"])


def test_a_replaced_task_gives_its_successors_result() -> None:
    assert value_of(jobs.hand_over.delay(3, 4)) == 7
    assert value_of(chain(jobs.hand_over.s(3, 4), jobs.add.s(1))()) == 8


def test_a_task_that_nobody_declared_retries_as_celery_says() -> None:
    # Many at once: the note of a retry may be written after the outcome of the next try.
    results = [jobs.plain_autoretry.delay(2) for _ in range(20)]

    assert [value_of(result) for result in results] == [2] * 20
    assert not Run.objects.filter(task_id__in=[result.id for result in results]).exists()


def test_a_call_from_inside_knows_its_family() -> None:
    result = jobs.call_another.delay(1)
    child: AsyncResult[Any] = AsyncResult(value_of(result))

    assert value_of(child) == 2
    assert [one.id for one in result.children] == [child.id]
    assert str(run_of(child).parent_id) == result.id
    assert run_of(child).options["root_id"] == result.id


def test_a_task_that_nobody_declared_may_call_one_that_is() -> None:
    child: AsyncResult[Any] = AsyncResult(value_of(jobs.plain_call_declared.delay(5)))

    assert value_of(child) == 6


def test_a_call_whose_result_is_ignored_still_has_its_outcome(running: System) -> None:
    ignored = jobs.add.apply_async((1, 1), ignore_result=True)
    last = chain(jobs.add.si(1, 1).set(ignore_result=True), jobs.add.s(5))()
    jobs.plain_ignored.delay("ignored")

    assert not isinstance(ignored, EagerResult)
    assert ended(ignored.id).state == "succeeded"
    assert value_of(last) == 7
    wait_until(lambda: running.lines("ignored") == ["ran"], what="the ignored task")
