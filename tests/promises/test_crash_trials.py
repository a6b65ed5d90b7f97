"""The crash trials find what they look for: with torn transactions the same deaths do harm."""

import pytest
from celery import chain
from django.db import transaction

from schedules.dispatch import plan_due
from schedules.models import Job, Run
from tests.promises import crash
from tests.promises import promise_jobs as jobs
from tests.promises.books import check_occurrences, check_runs
from tests.promises.promise_jobs import effects
from tests.promises.world import MINUTE, deliver_run, in_the_past, make_job, take_message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker_url")]


def test_an_effect_that_commits_before_its_outcome_is_seen_twice() -> None:
    def arrange() -> Run:
        result = jobs.effect.delay("twice")
        take_message()
        return Run.objects.get(task_id=result.id)

    def check(_: Run) -> None:
        check_runs()
        assert effects("twice") == 1

    with pytest.raises(AssertionError, match="2 == 1"):
        crash.die_at_every_step(arrange, deliver_run, check, torn=True)


def test_a_continuation_that_commits_before_its_cause_is_seen() -> None:
    def arrange() -> Run:
        chain(jobs.effect.si("first"), jobs.effect.si("second")).apply_async()
        take_message()
        return Run.objects.get()

    def check(_: Run) -> None:
        check_runs()
        assert (effects("first"), effects("second")) == (1, 1)

    with pytest.raises(AssertionError):
        crash.die_at_every_step(arrange, deliver_run, check, torn=True)


def test_a_timetable_that_advances_before_its_runs_are_written_is_seen() -> None:
    begin = in_the_past()

    def advance_first(job: Job) -> None:
        Job.objects.update(next_run_at=begin + 2 * MINUTE, next_due_at=begin + 2 * MINUTE)
        Job.objects.update(next_run_at=job.next_run_at, next_due_at=job.next_due_at)
        plan_due(now=begin + 2 * MINUTE)

    def check(job: Job) -> None:
        check_occurrences(job, [begin + number * MINUTE for number in range(3)])

    with pytest.raises(AssertionError, match="occurrences"):
        crash.die_at_every_step(
            lambda: make_job("j", "promise_jobs.effect", "j", begin=begin), advance_first, check
        )


def test_an_operation_that_raises_is_no_crash() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        crash.die_at_every_step(lambda: None, lambda _: 1 / 0, lambda _: None)


def test_deaths_that_leave_the_same_behind_are_one() -> None:
    def write_together(_: None) -> None:
        with transaction.atomic():
            jobs.leave_effect("first")
            jobs.leave_effect("second")
        Job.objects.count()
        jobs.leave_effect("third")

    left: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}
    counts = [
        crash.die_at_every_step(
            lambda: None,
            write_together,
            lambda _: left[each].append((effects("first"), effects("second"), effects("third"))),  # noqa: B023
            each=each,
        )
        for each in left
    ]

    assert left[False] == sorted(set(left[True]))
    assert counts[0] > counts[1] == len(left[False]) == 3
