"""Whatever happens in whatever order, the books balance: hypothesis chooses what happens."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from schedules.dispatch import absorb_edits, plan_due
from schedules.dispatch.decide import Planned, Policy, decide
from schedules.errors import Refused
from schedules.ledger import verify_job
from schedules.models import Job, Run, Touched
from schedules.operations.edit import update_job
from schedules.operations.switch import (
    disable_job,
    enable_job,
    pause_all,
    pause_job,
    resume_all,
    resume_job,
)
from schedules.states import RunState
from schedules.timing import Cron, Every, Timetable, jitter_of, occurrences_between
from tests.promises import promise_jobs  # noqa: F401 - declares the tasks
from tests.promises.world import let_triggers_speak, undone

# The night in which Berlin's clock is put forward.
BEGIN = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ADA: dict[str, Any] = {"by": "ada", "source": "cli"}


class Business:
    """A job, the time, and what can happen to both."""

    def __init__(self) -> None:
        self.now = BEGIN
        let_triggers_speak()
        interval = IntervalSchedule.objects.create(every=5, period="minutes")
        self.task = PeriodicTask.objects.create(
            name="job", task="promise_jobs.effect", args='["x"]', interval=interval
        )
        self._noticed_at(self.now)
        self.tick()
        self.job = Job.objects.get(key="job")

    def tick(self) -> None:
        """Beat looks: edits first, then what is due, until nothing is left."""
        absorb_edits(now=self.now)
        while plan_due(now=self.now) or Job.objects.due(self.now).exists():
            pass

    def tick_of_a_slow_beat(self, behind: timedelta) -> None:
        """A Beat that has read the time, was stopped, and goes on only now."""
        absorb_edits(now=self.now - behind)
        plan_due(now=self.now - behind)

    def wait(self, length: timedelta) -> None:
        """Time goes by without any Beat."""
        self.now += length

    def edit_on_the_stock_page(self, minutes: int) -> None:
        """Another interval; the database notes when."""
        self.task.refresh_from_db()
        self.task.interval, _ = IntervalSchedule.objects.get_or_create(
            every=minutes, period="minutes"
        )
        self.task.crontab = None
        self.task.save()
        self._noticed_at(self.now)

    def edit_to_a_crontab(self, minute: str, hour: str) -> None:
        """A crontab in a zone whose clock changes that night."""
        self.task.refresh_from_db()
        self.task.crontab, _ = CrontabSchedule.objects.get_or_create(
            minute=minute, hour=hour, timezone="Europe/Berlin"
        )
        self.task.interval = None
        self.task.save()
        self._noticed_at(self.now)

    def switch_on_the_stock_page(self, enabled: bool) -> None:
        """The enabled box, as the stock page's action sets it."""
        PeriodicTask.objects.filter(pk=self.task.pk).update(enabled=enabled)
        self._noticed_at(self.now)

    def change(self, changes: dict[str, Any]) -> None:
        """An operator's edit."""
        self._operate(lambda job: update_job(job, changes=changes, now=self.now, **ADA))

    def pause(self, length: timedelta | None) -> None:
        """A pause, with an end or without."""
        until = None if length is None else self.now + length
        self._operate(lambda job: pause_job(job, until=until, now=self.now, **ADA))

    def switch(self, verb: Callable[..., Job]) -> None:
        """Resume, enable or disable."""
        self._operate(lambda job: verb(job, now=self.now, **ADA))

    def pause_everything(self, drain: bool) -> None:
        """The pause of everything."""
        pause_all(now=self.now, drain=drain, **ADA)

    def resume_everything(self) -> None:
        """And its end."""
        resume_all(now=self.now, **ADA)

    def _operate(self, verb: Callable[[Job], object]) -> None:
        self.job.refresh_from_db()
        try:
            verb(self.job)
        except Refused as error:
            note(str(error))
        self._noticed_at(self.now)

    def _noticed_at(self, now: datetime) -> None:
        """The triggers know the real time only."""
        Touched.objects.filter(at__gt=now).update(at=now)


def _lengths(most: timedelta) -> st.SearchStrategy[timedelta]:
    return st.timedeltas(timedelta(0), most)


def _happenings() -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
    jitters = st.sampled_from([timedelta(0), 20 * SECOND, 50 * SECOND])
    graces = st.sampled_from([None, timedelta(0), 60 * SECOND, timedelta(hours=1)])
    changes = st.fixed_dictionaries(
        {},
        optional={
            "misfire_grace": graces,
            "coalesce": st.booleans(),
            "jitter": jitters,
            "interval_minutes": st.integers(2, 9),
        },
    )
    choices: dict[str, list[st.SearchStrategy[Any]]] = {
        "tick": [],
        "wait": [_lengths(10 * MINUTE) | _lengths(timedelta(hours=5))],
        "tick_of_a_slow_beat": [_lengths(2 * MINUTE)],
        "edit_on_the_stock_page": [st.integers(2, 9)],
        "edit_to_a_crontab": [st.sampled_from(["*/7", "30", "0,30"]), st.sampled_from(["*", "2"])],
        "switch_on_the_stock_page": [st.booleans()],
        "change": [changes],
        "pause": [st.none() | _lengths(timedelta(hours=2)).filter(bool)],
        "switch": [st.sampled_from([resume_job, enable_job, disable_job])],
        "pause_everything": [st.booleans()],
        "resume_everything": [],
    }
    return st.one_of(
        [st.tuples(st.just(name), st.tuples(*arguments)) for name, arguments in choices.items()]
    )


@pytest.mark.django_db(transaction=True)
def test_the_books_balance_whatever_happens(request: pytest.FixtureRequest) -> None:
    thorough = request.config.getoption("--thorough")
    chosen = settings(
        max_examples=2000 if thorough else 40,
        derandomize=not thorough,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    happenings = st.lists(_happenings(), min_size=4, max_size=25)

    chosen(given(happenings)(_balances_after))()


def _balances_after(happenings: list[tuple[str, tuple[Any, ...]]]) -> None:
    with undone():
        business = Business()
        for name, arguments in happenings:
            getattr(business, name)(*arguments)
            business.wait(SECOND)
        business.wait(3 * MINUTE)
        business.tick()
        Run.objects.unfinished().update(
            state=RunState.SUCCEEDED, publish_at=None, finished_at=business.now
        )

        business.job.refresh_from_db()
        since = BEGIN - timedelta(days=1)
        balance = verify_job(business.job, after=since, until=business.now, now=business.now)
        note(str(balance))
        assert balance.balances
        assert balance.matched == balance.expected


# The same of the decision alone, which needs no database.

TIMETABLES: list[Timetable] = [
    Every(7 * SECOND, anchor=BEGIN),
    Every(5 * MINUTE, anchor=BEGIN + 17 * SECOND),
    Cron("*/3 * * * *", tz="Asia/Kathmandu"),
    Cron("*/20 1-3 * * *", tz="Europe/Berlin"),
    Cron("30 2 * * *", tz="Australia/Lord_Howe"),
]
policies = st.builds(
    Policy,
    misfire_grace=st.none() | _lengths(timedelta(hours=1)),
    coalesce=st.booleans(),
    jitter=_lengths(5 * SECOND),
    one_off=st.just(False),
    halts=st.just(()),
)


@given(
    timetable=st.sampled_from(TIMETABLES),
    policy=policies,
    waits=st.lists(_lengths(MINUTE) | _lengths(timedelta(hours=9)), min_size=1, max_size=12),
    most=st.integers(1, 50),
)
@settings(max_examples=100, deadline=None)
def test_each_occurrence_is_decided_once_whenever_beat_looks(
    timetable: Timetable, policy: Policy, waits: list[timedelta], most: int
) -> None:
    upcoming = timetable.next_after(BEGIN)
    now = BEGIN
    rows: list[Planned] = []
    for wait in waits:
        now += wait
        decided = None
        while decided != [] and upcoming is not None:
            decision = decide(timetable, policy, seed="j", next_run_at=upcoming, now=now, most=most)
            decided, upcoming = list(decision.rows), decision.next_run_at
            _check_decision(decided, policy, now)
            rows += decided

    expected = [
        instant
        for instant in occurrences_between(timetable, after=BEGIN, until=now)
        if instant + jitter_of(policy.jitter, seed="j", instant=instant) <= now
    ]
    spans = [(row.scheduled_at, row.until or row.scheduled_at) for row in rows]
    assert all(last < first for (_, last), (first, _) in pairwise(spans))
    inside = [sum(first <= instant <= last for instant in expected) for first, last in spans]
    assert inside == [row.count for row in rows]
    assert sum(inside) == len(expected)


def _check_decision(rows: list[Planned], policy: Policy, now: datetime) -> None:
    to_run = [row for row in rows if row.state is RunState.PLANNED]
    if policy.coalesce:
        assert len(to_run) <= 1
    for row in to_run:
        jitter = jitter_of(policy.jitter, seed="j", instant=row.scheduled_at)
        assert timedelta(0) <= jitter <= policy.jitter
        assert (row.count, row.due_at) == (1, row.scheduled_at + jitter)
        assert row.due_at <= now
        assert row.expires_at is None or row.expires_at >= now
    for row in rows:
        if "coalesced into" in row.reason:
            assert f"{to_run[0].scheduled_at:%FT%TZ}" in row.reason
