"""Timetables as code: a round trip changes nothing, and what a plan says is what applying does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from schedules.dispatch import absorb_edits
from schedules.errors import InvalidInput
from schedules.models import AuditEntry, Dependency, Job, ScheduleVersion, TaskFunction
from schedules.operations.as_code.apply import apply_file
from schedules.operations.as_code.export import export_jobs
from schedules.operations.as_code.plan import Action, Plan, plan_file
from schedules.operations.calendars import create_calendar
from schedules.operations.create import create_job
from schedules.operations.edit import update_job
from schedules.operations.install import install_declared
from schedules.operations.preview import compare_edit
from schedules.operations.switch import delete_job
from schedules.operations.upcoming import timetable_of
from schedules.states import After
from schedules.timing import occurrences_between
from tests.promises.world import let_triggers_speak

pytestmark = pytest.mark.django_db

ADA: dict[str, Any] = {"by": "ada", "source": "cli"}


@pytest.fixture
def jobs(now: datetime) -> dict[str, Job]:
    """A job of every kind, one of them somebody else's, and one that is invalid."""
    let_triggers_speak()
    function = TaskFunction.objects.create(key="add", task="sample_jobs.add", name_en="Add")
    free = create_calendar(name="free", values={"dates": ["2026-03-04"]}, now=now, **ADA)
    kinds: dict[str, dict[str, Any]] = {
        "cron": {
            "cron_expression": "30 2 1,15 * mon",
            "timezone": "Europe/Berlin",
            "day_rule": "all",
            "misfire_grace": timedelta(hours=1),
            "name_ar": "ليلي",
        },
        "text": {"cron_expression": "0 5 * * mon#2", "overlap": "queue_one", "priority": 7},
        "interval": {"interval_hours": 1, "interval_minutes": 30, "jitter": timedelta(seconds=90)},
        "date": {"run_at": now + timedelta(days=400)},
        "sun": {"solar_event": "sunrise", "latitude": -6.2, "longitude": 106.8},
        "window": {
            "cron_expression": "@daily",
            "starts_at": now + timedelta(days=1),
            "ends_at": now + timedelta(days=90),
            "enabled": False,
        },
        "workdays": {"cron_expression": "0 9 * * *", "calendar": free, "day_off": "next_day"},
        "checked": {"interval_days": 2, "checks": ["x == 1"]},
        "once": {"interval_days": 1, "one_off": True, "queue": "slow"},
    }
    made = {
        key: create_job(function, values={"args": [1], "key": key, **values}, now=now, **ADA)
        for key, values in kinds.items()
    }
    after = {"key": "after", "args": [2], "after": [(made["cron"], After.FAILED)]}
    made["after"] = create_job(function, values=after, now=now, **ADA)
    # Made by somebody else, on the stock page.
    every, _ = IntervalSchedule.objects.get_or_create(every=5, period="minutes")
    PeriodicTask.objects.create(
        name="Theirs: 5", task="sample_jobs.add", args="[1]", interval=every, expire_seconds=20
    )
    PeriodicTask.objects.create(name="broken", task="os.system", interval=every)
    while absorb_edits(now=now):
        pass
    AuditEntry.objects.all().delete()
    return made


def edited(**jobs: dict[str, Any] | None) -> str:
    """Return the export with the fields of some jobs changed; None takes a job away."""
    document = yaml.safe_load(export_jobs())
    for key, fields in jobs.items():
        if fields is None:
            del document["jobs"][key]
        else:
            document["jobs"].setdefault(key, {}).update(fields)
    return yaml.safe_dump(document, allow_unicode=True)


def said(plan: Plan) -> dict[str, tuple[str, list[str], list[str]]]:
    return {
        change.key: (
            str(change.action),
            [each.name for each in change.differences],
            [each.name for each in change.overrides],
        )
        for change in plan.changes
    }


def rows() -> list[dict[str, Any]]:
    unimportant = {"applied", "updated_at", "_state"}
    return [
        {name: value for name, value in vars(job).items() if name not in unimportant}
        for job in Job.objects.order_by("pk")
    ]


def test_a_round_trip_changes_nothing(jobs: dict[str, Job], now: datetime) -> None:
    install_declared(now=now)
    declared = Job.objects.get(key="daily")
    update_job(declared, changes={"priority": 4}, by="ada", source="api", now=now)
    AuditEntry.objects.all().delete()
    before, versions = rows(), ScheduleVersion.objects.count()
    text = export_jobs()

    plan = plan_file(text, now=now)
    apply_file(text, now=now, **ADA)
    again = apply_file(export_jobs(), now=now + timedelta(hours=1), **ADA)

    assert (plan.changes, again.changes) == ((), ())
    assert plan.unchanged == len(Job.objects.filter(invalid_reason=""))
    assert "leave:\n- broken" in text
    assert rows() == before
    assert ScheduleVersion.objects.count() == versions
    assert export_jobs() == text
    # That the file is the one that was applied is kept, and said once.
    assert [entry.action for entry in AuditEntry.objects.all()] == ["apply"]


def test_an_exported_file_makes_the_same_jobs_elsewhere(
    jobs: dict[str, Job], now: datetime
) -> None:
    document = yaml.safe_load(export_jobs())
    for entry in document["jobs"].values():
        for one in entry.get("after", ()):
            one["job"] = f"new-{one['job']}"
    document["jobs"] = {f"new-{key}": entry for key, entry in document["jobs"].items()}
    document["unlisted"] = "keep"

    plan = apply_file(yaml.safe_dump(document), now=now, **ADA)

    assert {change.action for change in plan.changes} == {Action.CREATE}
    for key, job in jobs.items():
        made = Job.objects.get(key=f"new-{key}")
        same = ("task", "args", "priority", "queue", "overlap", "misfire_grace", "one_off")
        assert [getattr(made, name) for name in same] == [getattr(job, name) for name in same]
        assert (made.timetable, made.is_enabled) == (job.timetable, job.is_enabled)
    assert Dependency.objects.get(job__key="new-after").upstream.key == "new-cron"
    assert AuditEntry.objects.count() == 1


def test_what_the_plan_says_is_what_applying_does(jobs: dict[str, Job], now: datetime) -> None:
    text = edited(
        cron={"cronExpression": "0 4 * * *", "priority": 3},
        interval=None,
        fresh={"task": "add", "args": [3], "intervalHours": 6, "queue": "slow"},
        once={"queue": "", "args": [9]},
        after={"after": [{"job": "fresh", "when": "ended"}]},
    )

    plan = plan_file(text, now=now)
    applied = apply_file(text, now=now, reason="spring", **ADA)

    assert (
        said(plan)
        == said(applied)
        == {
            "after": ("update", ["after"], []),
            "cron": ("update", ["timetable", "priority"], []),
            "fresh": ("create", [], []),
            "interval": ("disable", [], []),
            "once": ("update", ["args", "queue"], []),
        }
    )
    cron, fresh = Job.objects.get(key="cron"), Job.objects.get(key="fresh")
    assert (cron.cron_text, cron.priority, cron.day_rule) == ("", 3, "all")
    assert (fresh.queue, fresh.args, fresh.is_enabled) == ("slow", [3], True)
    gone = Job.objects.get(key="interval")
    assert (gone.is_active, gone.is_enabled) == (True, False)
    once = Job.objects.get(key="once")
    assert (once.queue, once.args, once.one_off) == ("", [9], True)
    assert Dependency.objects.get(job__key="after", until=None).upstream == fresh
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason) == ("apply", "ada", "spring")
    after: Any = entry.after
    assert after["jobs"]["cron"]["priority"] == 3
    assert plan_file(text, now=now).changes == ()


def test_the_effect_of_the_plan_is_what_then_comes(jobs: dict[str, Job], now: datetime) -> None:
    def of(job: Job) -> Callable[[datetime], set[datetime]]:
        timetable = timetable_of(job)
        assert timetable is not None
        return lambda end: set(occurrences_between(timetable, after=now, until=end))

    text = edited(cron={"cronExpression": "30 2 * * *"}, interval=None)
    before = of(jobs["cron"])

    effects = {change.key: change.effect for change in plan_file(text, now=now).changes}
    apply_file(text, now=now, **ADA)

    month = of(Job.objects.get(key="cron"))
    moved, ended = effects["cron"], effects["interval"]
    assert moved is not None
    assert ended is not None
    span = moved.spans[0].end
    assert {at for at in moved.difference.added if at <= span} == month(span) - before(span)
    assert {at for at in moved.difference.removed if at <= span} == before(span) - month(span)
    assert not ended.difference.added
    assert len(ended.difference.removed) > 480


def test_an_operators_override_stays_until_it_is_replaced(
    jobs: dict[str, Job], now: datetime
) -> None:
    text = edited()
    apply_file(text, now=now, **ADA)
    changes: dict[str, Any] = {"priority": 9, "cron_expression": "0 6 * * *"}
    update_job(jobs["cron"], changes=changes, by="siti", source="api", now=now)
    newer = edited(cron={"priority": 0, "cronExpression": "0 7 * * *", "nameEn": "Nightly"})

    kept = plan_file(text, now=now)
    conflict = plan_file(newer, now=now)

    assert said(kept) == {"cron": ("keep", [], ["timetable", "priority"])}
    assert kept.pending == 0
    assert said(conflict)["cron"] == ("update", ["nameEn"], ["timetable", "priority"])
    conflicts = {each.name: each.is_conflict for each in conflict.changes[0].overrides}
    assert conflicts == {"timetable": True, "priority": False}
    apply_file(newer, now=now, **ADA)
    assert Job.objects.get(key="cron").priority == 9
    apply_file(newer, now=now, replace_overrides=True, **ADA)
    assert Job.objects.get(key="cron").priority == 0
    assert Job.objects.get(key="cron").name_en == "Nightly"


def test_what_no_file_ever_named_is_left_alone_unless_the_file_speaks_for_all(
    jobs: dict[str, Job], now: datetime
) -> None:
    mine = "version: 1\njobs:\n  mine: {task: add, args: [1], intervalHours: 1}\n"
    apply_file(mine, now=now, **ADA)

    assert said(plan_file("version: 1\njobs: {}\n", now=now)) == {"mine": ("disable", [], [])}
    whole = said(plan_file("version: 1\nunlisted: disable\njobs: {}\n", now=now))
    assert {"mine", "cron", "sun"} <= whole.keys()
    assert "broken" not in whole


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("cron", {"cronExpression": "61 * * * *"}, "jobs.cron.cronExpression is '61'"),
    ("cron", {"cronExpression": "0 0 * * 8"}, "jobs.cron.cronExpression is '8'"),
    ("cron", {"intervalHours": 2}, "exactly one of an interval"),
    ("cron", {"task": "nothing"}, "jobs.cron.task is 'nothing'"),
    ("cron", {"args": []}, "missing a required argument: 'x'"),
    ("fresh", {"task": "add", "args": [1]}, "jobs.fresh.cronExpression is 'none'"),
    ("fresh", {"task": "add", "args": [1], "runAt": "2020-01-01T00:00:00Z"}, "in the future"),
    ("fresh", {"task": "add", "args": [1], "runAt": "tomorrow"}, "jobs.fresh.runAt"),
    ("17", {"task": "add", "args": [1], "intervalHours": 1}, "the number of another job"),
    ("broken", {"task": "add", "args": [1], "intervalHours": 1}, "a key that no job has had"),
    ("interval", {"jitterSeconds": 9000}, "jobs.interval.jitterSeconds is '2:30:00'"),
    ("window", {"calendar": "nobody's"}, "the name of a calendar that exists"),
    ("window", {"checks": ["x =="]}, "jobs.window.checks"),
    ("after", {"after": [{"job": "nobody"}]}, "jobs.after.after is 'nobody'"),
    ("cron", {"timeLimitSeconds": 5, "softTimeLimitSeconds": 5}, "softTimeLimitSeconds"),
]


def test_a_bad_job_is_refused_with_its_line_and_nothing_is_changed(
    jobs: dict[str, Job], now: datetime
) -> None:
    before = rows()

    for key, fields, words in BAD:
        text = edited(sun={"priority": 4}, **{key: fields})
        with pytest.raises(InvalidInput) as planned:
            plan_file(text, now=now)
        with pytest.raises(InvalidInput) as applied:
            apply_file(text, now=now, **ADA)
        assert words in str(planned.value)
        assert str(planned.value).startswith("line ")
        assert str(applied.value) == str(planned.value)

    assert rows() == before
    assert not AuditEntry.objects.exists()


def test_a_circle_is_refused(jobs: dict[str, Job], now: datetime) -> None:
    one, two = ({"task": "add", "args": [1], "after": [{"job": other}]} for other in ("two", "one"))

    with pytest.raises(InvalidInput, match="do not wait for each other") as planned:
        plan_file(edited(one=one, two=two), now=now)
    with pytest.raises(InvalidInput) as applied:
        apply_file(edited(one=one, two=two), now=now, **ADA)
    assert str(applied.value) == str(planned.value)


def test_a_circle_through_a_job_that_the_file_leaves_alone_is_refused(
    jobs: dict[str, Job], now: datetime
) -> None:
    text = edited(after=None, cron={"after": [{"job": "after", "when": "succeeded"}]})

    with pytest.raises(InvalidInput, match=r"^line \d+: jobs.cron.after .* wait for each other"):
        plan_file(text, now=now)


def test_who_runs_after_whom_can_be_turned_round(jobs: dict[str, Job], now: datetime) -> None:
    first = [{"job": "interval", "when": "succeeded"}]
    second = [{"job": "text", "when": "succeeded"}]

    for one, other in ((first, []), ([], second), (first, [])):
        apply_file(edited(text={"after": one}, interval={"after": other}), now=now, **ADA)

    present = Dependency.objects.filter(until__isnull=True).exclude(job=jobs["after"])
    assert [(each.job.key, each.upstream.key) for each in present] == [("text", "interval")]


def test_a_deleted_job_keeps_its_key(jobs: dict[str, Job], now: datetime) -> None:
    text = edited()
    delete_job(jobs["cron"], now=now, **ADA)

    with pytest.raises(InvalidInput, match="a key that no job has had"):
        plan_file(text, now=now)


def test_what_comes_back_into_the_file_keeps_what_an_operator_has_changed(
    jobs: dict[str, Job], now: datetime
) -> None:
    text = export_jobs()
    apply_file(text, now=now, **ADA)
    update_job(Job.objects.get(key="cron"), changes={"priority": 9}, now=now, **ADA)
    without = edited(cron=None, after=None)
    apply_file(without, now=now, **ADA)
    planned = plan_file(text, now=now)
    apply_file(text, now=now, **ADA)

    cron = Job.objects.get(key="cron")
    assert (cron.is_enabled, cron.priority) == (True, 9)
    change = next(each for each in planned.changes if each.key == "cron")
    assert [each.name for each in change.differences] == ["isEnabled"]
    assert [each.name for each in change.overrides] == ["priority"]


def test_what_an_operator_enables_after_it_left_the_file_stays_enabled(
    jobs: dict[str, Job], now: datetime
) -> None:
    apply_file(export_jobs(), now=now, **ADA)
    without = edited(cron=None, after=None).replace("unlisted: disable", "unlisted: keep")
    apply_file(without, now=now, **ADA)
    update_job(Job.objects.get(key="cron"), changes={"enabled": True}, now=now, **ADA)

    assert apply_file(without, now=now, **ADA).pending == 0
    assert Job.objects.get(key="cron").is_enabled


def test_effects_are_worked_out_before_anything_is_locked(
    jobs: dict[str, Job], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, seen = len(connection.savepoint_ids), list[int]()

    def looked(*args: Any, **named: Any) -> Any:
        seen.append(len(connection.savepoint_ids))
        return compare_edit(*args, **named)

    monkeypatch.setattr("schedules.operations.as_code.plan.compare_edit", looked)
    names = {"cron": {"cronExpression": "31 2 * * *"}, "text": {"cronExpression": "1 5 * * *"}}

    done = apply_file(edited(**names), now=now, **ADA)

    assert [change.key for change in done.changes if change.effect] == ["cron", "text"]
    assert seen == [outside, outside]


def test_a_new_job_of_a_file_costs_few_statements(now: datetime) -> None:
    TaskFunction.objects.create(key="add", task="sample_jobs.add", name_en="Add")
    entry = "{task: add, kwargs: {x: 1}, cronExpression: '0 5 * * *'}"

    def statements(number: int) -> int:
        lines = [f"  bulk-{number}-{place}: {entry}" for place in range(number)]
        text = "\n".join(["version: 1", "jobs:", *lines])
        with CaptureQueriesContext(connection) as captured:
            apply_file(text, now=now, **ADA)
        return len(captured)

    few, more = statements(2), statements(12)

    assert (more - few) / 10 <= 26
