"""Single occurrences that are skipped, moved, or given other arguments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schedules.dispatch import plan_due
from schedules.errors import InvalidInput, Refused
from schedules.ledger import explain, verify_job
from schedules.models import AuditEntry, Job, OccurrenceChange, Run
from schedules.operations.create import create_job
from schedules.operations.edit import update_job
from schedules.operations.occurrences import (
    change_occurrence,
    restore_occurrence,
    skip_occurrence,
)
from schedules.operations.switch import pause_job, resume_job
from schedules.operations.upcoming import coming, next_of
from schedules.querysets.clock import database_now
from schedules.states import ChangeState, RunState
from schedules.timing import from_spec, occurrences_between

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ONE, TWO, THREE = (NOW.replace(minute=0) + n * HOUR for n in (1, 2, 3))
WHO: dict[str, Any] = {"by": "ann", "source": "cli", "reason": "stocktaking"}


def make_job(*, now: datetime = NOW, **values: Any) -> Job:
    given = {"cron_expression": "0 * * * *", "args": [1], "kwargs": {"y": 2}, **values}
    given = {"key": "report", "misfire_grace": timedelta(hours=6), "coalesce": False, **given}
    return create_job("sample_jobs.add", values=given, now=now, by="bob", source="cli")


@pytest.fixture
def job() -> Job:
    return make_job()


def rows(job: Job) -> list[tuple[datetime, datetime, str]]:
    found = Run.objects.filter(job=job).order_by("scheduled_at")
    return [(row.scheduled_at, row.due_at, row.state) for row in found]


def succeed() -> None:
    waiting = Run.objects.filter(publish_at__isnull=False)
    waiting.update(state=RunState.SUCCEEDED, publish_at=None, finished_at=NOW)


def balances(job: Job, *, now: datetime) -> bool:
    return verify_job(job, after=NOW, until=now, now=now).balances


def test_a_skipped_occurrence_is_one_row_with_its_reason(job: Job) -> None:
    skip_occurrence(job, at=TWO, now=NOW, **WHO)

    plan_due(now=THREE)

    assert rows(job) == [(ONE, ONE, "sent"), (TWO, TWO, "skipped"), (THREE, THREE, "sent")]
    assert Run.objects.get(scheduled_at=TWO).reason == "skipped by ann: stocktaking"
    succeed()
    assert balances(job, now=THREE)
    job.refresh_from_db()
    assert not job.has_changes


def test_two_skipped_neighbours_are_two_rows(job: Job) -> None:
    for at in (ONE, TWO):
        skip_occurrence(job, at=at, now=NOW, **WHO)

    plan_due(now=TWO)

    assert [row.count for row in Run.objects.all()] == [1, 1]


def test_one_moved_to_a_later_time_keeps_its_nominal_time_and_waits(job: Job) -> None:
    later = THREE + timedelta(minutes=7)
    change_occurrence(job, at=ONE, moved_to=later, now=NOW, **WHO)

    sent = plan_due(now=ONE)

    assert sent == []
    assert rows(job) == [(ONE, later, "planned")]
    assert balances(job, now=ONE)  # its time has not come
    assert not balances(job, now=later)
    assert not Run.objects.ready_to_send(later - timedelta(seconds=1)).exists()
    assert [run.scheduled_at for run in Run.objects.ready_to_send(later)] == [ONE]
    plan_due(now=THREE)
    succeed()
    assert balances(job, now=later)


def test_one_moved_ahead_runs_before_its_time_and_not_again(job: Job) -> None:
    sooner = NOW + timedelta(minutes=10)
    change_occurrence(job, at=THREE, moved_to=sooner, now=NOW, **WHO)
    job.refresh_from_db()
    assert (job.next_run_at, job.next_due_at) == (ONE, sooner)

    (run,) = plan_due(now=sooner)

    assert (run.scheduled_at, run.due_at) == (THREE, sooner)
    assert plan_due(now=sooner) == []
    for at in (ONE, TWO, THREE, THREE + HOUR):
        plan_due(now=at)
    assert [row[0] for row in rows(job)] == [ONE, TWO, THREE, THREE + HOUR]
    succeed()
    assert balances(job, now=THREE + HOUR)
    job.refresh_from_db()
    assert not job.has_changes


def test_an_edit_after_a_moved_one_has_run_begins_at_once_and_the_ledger_balances(
    job: Job,
) -> None:
    sooner = NOW + timedelta(minutes=10)
    change_occurrence(job, at=THREE, moved_to=sooner, now=NOW, **WHO)
    plan_due(now=sooner)

    edited = sooner + timedelta(minutes=1)
    update_job(job, changes={"cron_expression": "45 * * * *"}, now=edited, by="ann", source="cli")
    plan_due(now=THREE)

    first, second = ONE - timedelta(minutes=15), TWO - timedelta(minutes=15)
    assert [row[0] for row in rows(job)] == [first, second, THREE - timedelta(minutes=15), THREE]
    succeed()
    assert balances(job, now=THREE + timedelta(minutes=1))


def test_one_with_other_arguments_runs_with_them(job: Job) -> None:
    change_occurrence(job, at=TWO, kwargs={"y": 40}, now=NOW, **WHO)

    sent = plan_due(now=TWO)

    assert [run.scheduled_at for run in sent] == [ONE]
    assert Run.objects.ready_to_send(TWO).get().scheduled_at == TWO  # with what only the row has
    stored = Run.objects.order_by("scheduled_at").values_list("args", "kwargs")
    assert list(stored) == [([1], {"y": 2}), ([1], {"y": 40})]


def test_coalescing_leaves_what_a_person_has_changed(job: Job) -> None:
    Job.objects.update(coalesce=True)
    change_occurrence(job, at=ONE, kwargs={"y": 40}, now=NOW, **WHO)

    plan_due(now=THREE)

    assert [row[2] for row in rows(job)] == ["planned", "skipped", "sent"]


def test_what_was_said_is_taken_back(job: Job) -> None:
    sooner = NOW + timedelta(minutes=10)
    skip_occurrence(job, at=TWO, now=NOW, **WHO)
    change_occurrence(job, at=THREE, moved_to=sooner, now=NOW, **WHO)

    for at in (TWO, THREE):
        assert restore_occurrence(job, at=at, now=NOW, **WHO) == at
    job.refresh_from_db()

    assert (job.has_changes, job.next_due_at) == (False, ONE)
    plan_due(now=THREE)
    assert [row[2] for row in rows(job)] == ["sent"] * 3
    with pytest.raises(Refused, match="was neither skipped nor changed, or its time has come"):
        restore_occurrence(job, at=TWO, now=NOW, **WHO)
    actions = AuditEntry.objects.exclude(action="create").values_list("action", flat=True)
    assert sorted(actions) == [
        "change_occurrence",
        "restore_occurrence",
        "restore_occurrence",
        "skip_occurrence",
    ]


def test_the_same_again_is_nothing_and_another_word_replaces_it(job: Job) -> None:
    first = skip_occurrence(job, at=TWO, now=NOW, **WHO)
    again = skip_occurrence(job, at=TWO, now=NOW, **WHO)
    moved = change_occurrence(job, at=TWO, moved_to=THREE, now=NOW, **WHO)

    assert (again.pk, AuditEntry.objects.count()) == (first.pk, 3)
    first.refresh_from_db()
    assert (first.state, moved.state) == (ChangeState.UNDONE, ChangeState.OPEN)
    assert OccurrenceChange.objects.filter(state=ChangeState.OPEN).count() == 1


def test_an_edit_that_removes_the_occurrence_ends_what_was_said(job: Job) -> None:
    skip_occurrence(job, at=TWO, now=NOW, **WHO)

    update_job(job, changes={"cron_expression": "45 * * * *"}, now=NOW, by="ann", source="cli")

    assert OccurrenceChange.objects.get().state == ChangeState.VOID
    plan_due(now=THREE)
    assert {row[2] for row in rows(job)} == {"sent"}


def test_a_moved_one_that_waits_is_skipped_and_outlives_a_pause_before_its_time(job: Job) -> None:
    change_occurrence(job, at=ONE, moved_to=ONE + DAY, now=NOW, **WHO)
    change_occurrence(job, at=TWO, moved_to=TWO + DAY, now=NOW, **WHO)
    plan_due(now=TWO)

    pause_job(job, by="ann", source="cli", now=TWO, until=THREE)
    assert [row[2] for row in rows(job)] == ["planned", "planned"]
    skip_occurrence(job, at=ONE, now=TWO, **WHO)

    assert [row[2] for row in rows(job)] == ["skipped", "planned"]
    assert Run.objects.get(scheduled_at=ONE).reason == "skipped by ann: stocktaking"


def test_one_that_waits_for_a_later_time_is_listed_and_undone_until_then(job: Job) -> None:
    late = ONE + timedelta(minutes=20)
    change_occurrence(
        job, at=ONE, moved_to=TWO - timedelta(minutes=5), kwargs={"y": 9}, now=NOW, **WHO
    )
    plan_due(now=ONE)
    job.refresh_from_db()

    first, second = next_of(job, now=late, count=2)
    assert (first.at, second.at) == (ONE, TWO)
    assert first.change is not None
    ahead = coming(now=late, until=TWO - timedelta(minutes=1)).coming
    assert [one.at for one in ahead] == [TWO - timedelta(minutes=5)]
    assert restore_occurrence(job, at=ONE, now=late, **WHO) == late, "it runs at once"

    run = Run.objects.get()
    assert (run.due_at, run.publish_at, run.kwargs) == (late, late, {"y": 2})
    assert run.expires_at == late + timedelta(hours=6)
    assert OccurrenceChange.objects.get().state == ChangeState.UNDONE
    job.refresh_from_db()
    assert [one.at for one in next_of(job, now=late, count=1)] == [TWO]
    assert not job.has_changes
    with pytest.raises(Refused):
        restore_occurrence(job, at=ONE, now=late, **WHO)
    succeed()
    assert balances(job, now=late)


def test_whether_a_moved_one_is_paused_is_judged_when_its_new_time_comes(job: Job) -> None:
    change_occurrence(job, at=ONE, moved_to=ONE + DAY, now=NOW, **WHO)
    change_occurrence(job, at=TWO, moved_to=TWO + DAY, now=NOW, **WHO)
    plan_due(now=ONE)

    pause_job(job, by="ann", source="cli", now=ONE + timedelta(minutes=9))  # after one, before two
    plan_due(now=THREE)

    assert [row[2] for row in rows(job)] == ["planned", "planned", "skipped"]
    resume_job(job, by="ann", source="cli", now=THREE)
    assert balances(job, now=THREE)


def test_what_cannot_be_said_is_refused_and_changes_nothing(job: Job) -> None:
    plan_due(now=ONE)
    job.refresh_from_db()
    late = ONE + timedelta(minutes=1)
    common: dict[str, Any] = {"now": late, **WHO}
    once = create_job(
        "sample_jobs.add",
        values={"key": "once", "run_at": ONE + DAY, "args": [1]},
        now=NOW,
        by="bob",
        source="cli",
    )
    sentences: list[tuple[Callable[[], object], str]] = [
        (lambda: skip_occurrence(job, at=TWO + timedelta(minutes=5), **common), "next one after"),
        (lambda: skip_occurrence(job, at=ONE - HOUR, **common), "still to come"),
        (lambda: change_occurrence(job, at=TWO, moved_to=late, **common), "in the future"),
        (lambda: change_occurrence(job, at=TWO, moved_to=TWO, **common), "not its own"),
        (lambda: change_occurrence(job, at=TWO, **common), "another time, or other arguments"),
        (lambda: change_occurrence(job, at=TWO, kwargs={"z": 1}, **common), "z"),
        (lambda: change_occurrence(job, at=ONE, moved_to=THREE, **common), "has its run"),
        (lambda: skip_occurrence(once, at=ONE + DAY, **common), "runs once"),
    ]

    for refused, sentence in sentences:
        with pytest.raises((InvalidInput, Refused), match=sentence):
            refused()

    assert not OccurrenceChange.objects.exists()


def test_explain_tells_who_said_what(job: Job) -> None:
    skip_occurrence(job, at=ONE, now=NOW, **WHO)
    change_occurrence(job, at=TWO, moved_to=THREE + DAY, now=NOW, **WHO)
    plan_due(now=TWO)

    told = explain(job, at=ONE).sentences
    moved = explain(job, at=TWO).sentences
    there = explain(job, at=THREE + DAY).sentences

    assert "This occurrence was skipped by ann: stocktaking, on 2026-03-02T12:30:00Z." in told
    assert any(sentence.startswith("It ended at") for sentence in told)
    assert any("was moved to 2026-03-03T15:00:00Z by ann" in sentence for sentence in moved)
    assert any(
        sentence.startswith("The occurrence of 2026-03-02T14:00:00Z was") for sentence in there
    )


def test_jobs_without_changes_cost_planning_no_statement(job: Job) -> None:
    make_job(key="other")
    with CaptureQueriesContext(connection) as plain:
        plan_due(now=ONE)

    assert not [one for one in plain.captured_queries if "occurrencechange" in one["sql"]]


BEGINS = (datetime(2026, 3, 28, 7, 30, tzinfo=UTC), datetime(2026, 10, 24, 7, 30, tzinfo=UTC))


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking with a database takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_what_was_said_is_what_the_ledger_then_holds(db: None, data: st.DataObject) -> None:
    begin = data.draw(st.sampled_from(BEGINS))
    end = begin + DAY
    with transaction.atomic():
        job = make_job(
            now=begin,
            cron_expression=data.draw(st.sampled_from(["30 */2 * * *", "15 1,2,3,5,9 * * *"])),
            timezone=data.draw(st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe"])),
            jitter=timedelta(minutes=data.draw(st.sampled_from([0, 20]))),
            misfire_grace=None,
        )
        assert job.timetable is not None
        due = list(occurrences_between(from_spec(job.timetable), after=begin, until=end))
        chosen = data.draw(st.lists(st.sampled_from(due), unique=True, min_size=1, max_size=5))
        said: dict[datetime, datetime | None] = {}
        for at in chosen:
            shift = data.draw(st.sampled_from([None, -400, -90, -5, 7, 95, 400]))
            moved_to = None if shift is None else at + timedelta(minutes=shift)
            if moved_to is None or moved_to <= begin:
                skip_occurrence(job, at=at, now=begin, **WHO)
                said[at] = None
            else:
                change_occurrence(job, at=at, moved_to=moved_to, now=begin, **WHO)
                said[at] = moved_to
        step = timedelta(minutes=data.draw(st.sampled_from([20, 60, 300])))
        now = begin
        while now < end + DAY:
            now += step
            plan_due(now=now)
            Run.objects.filter(publish_at__isnull=False, due_at__lte=now).update(
                state=RunState.SUCCEEDED, publish_at=None, finished_at=now
            )
            found = verify_job(job, after=begin, until=now, now=now)
            assert found.balances, (now, found)

        held = {row.scheduled_at: row for row in Run.objects.filter(job=job)}
        assert set(due) <= set(held)
        for at in due:
            is_skipped = at in said and said[at] is None
            assert held[at].state == ("skipped" if is_skipped else "succeeded")
            if said.get(at) is not None:
                assert held[at].due_at == said[at]
        assert not OccurrenceChange.objects.filter(state=ChangeState.OPEN).exists()
        job.refresh_from_db()
        assert not job.has_changes
        transaction.set_rollback(True)  # the next example begins anew


def test_the_worker_does_not_take_a_moved_one_before_its_time() -> None:
    now = database_now()
    job = make_job(now=now - HOUR, cron_expression="* * * * *", misfire_grace=None)
    at = now.replace(second=0, microsecond=0)
    change_occurrence(job, at=at, moved_to=now + HOUR, now=at - timedelta(seconds=90), **WHO)
    plan_due(now=now)
    run = Run.objects.get(scheduled_at=at)

    claimed = Run.objects.claim(run.task_id, task=run.task, instance_id=run.task_id, pid=1)

    assert claimed is None
