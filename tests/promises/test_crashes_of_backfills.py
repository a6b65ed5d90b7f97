"""Beat dies before every step of feeding a backfill: each occurrence still runs exactly once."""

from collections.abc import Callable
from datetime import timedelta

from schedules.dispatch import feed_backfills
from schedules.models import Backfill, Run
from schedules.querysets.clock import database_now
from schedules.states import BackfillState, RunState
from tests.promises.books import check_runs
from tests.promises.promise_jobs import effects
from tests.promises.world import in_the_past, make_job

Die = Callable[..., int]
DAY = timedelta(days=1)


def test_feeding_a_backfill(die_at_every_step: Die) -> None:
    begin = in_the_past()
    days = [begin - DAY, begin - 2 * DAY]

    def arrange() -> Backfill:
        job = make_job("filled", "promise_jobs.effect", "filled", begin=begin, occurrences=1)
        return Backfill.objects.create(
            job=job,
            first=days[1],
            last=days[0],
            occurrences=[day.isoformat() for day in days],
            total=2,
            created_at=begin,
        )

    def check(backfill: Backfill) -> None:
        check_runs()
        feed_backfills(now=database_now())
        backfill.refresh_from_db()
        runs = Run.objects.filter(backfill=backfill).order_by("pk")
        assert [run.scheduled_at for run in runs] == days
        assert {run.state for run in runs} == {RunState.SUCCEEDED}
        assert backfill.state == BackfillState.DONE
        assert effects("filled") == 3, "two of the backfill and one of the timetable"

    die_at_every_step(arrange, lambda _: feed_backfills(now=database_now()), check)
