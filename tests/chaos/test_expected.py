"""The oracle's own arithmetic: occurrences, and rows matched with them one to one."""

from datetime import UTC, datetime, timedelta

from chaos.expected import Entry, Span, match, occurrences, percentile
from chaos.workload import Sample

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY_TEN = Sample(key="ten", every_seconds=10)
MINUTE = Span(since=NOON, until=NOON + timedelta(seconds=61))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def rows(*seconds: float) -> list[Entry]:
    return [Entry(scheduled_at=at(each)) for each in seconds]


def test_intervals_count_from_the_epoch_and_exclude_their_beginning() -> None:
    found = list(occurrences(EVERY_TEN, after=NOON, until=at(30)))

    assert found == [at(10), at(20), at(30)]


def test_a_cron_is_read_on_its_zones_clock() -> None:
    daily = Sample(key="daily", cron="30 0 * * *", zone="Asia/Jakarta")

    found = list(occurrences(daily, after=NOON, until=NOON + timedelta(days=2)))

    assert [f"{instant:%d %H:%M}" for instant in found] == ["01 17:30", "02 17:30"]


def test_rows_that_cover_every_occurrence_once_leave_nothing_to_say() -> None:
    result = match(EVERY_TEN, rows(10, 20, 30, 40, 50, 60), required=[MINUTE], allowed=MINUTE)

    assert result.checked == 6
    assert (result.missing, result.extra, result.duplicate, result.miscounted) == ([], [], [], [])


def test_missing_extra_and_duplicate_rows_are_told_apart() -> None:
    result = match(EVERY_TEN, rows(10, 20, 20, 25, 40, 50, 60), required=[MINUTE], allowed=MINUTE)

    assert (result.missing, result.extra, result.duplicate) == ([at(30)], [at(25)], [at(20)])


def test_a_range_stands_for_each_of_its_occurrences() -> None:
    entries = [*rows(10), Entry(scheduled_at=at(20), until=at(50), count=4), *rows(60)]

    result = match(EVERY_TEN, entries, required=[MINUTE], allowed=MINUTE)

    assert (result.missing, result.extra, result.duplicate, result.miscounted) == ([], [], [], [])


def test_a_range_that_overlaps_a_row_is_a_duplicate_and_a_wrong_count_is_noticed() -> None:
    entries = [*rows(10, 20), Entry(scheduled_at=at(20), until=at(60), count=4)]

    result = match(EVERY_TEN, entries, required=[MINUTE], allowed=MINUTE)

    assert (result.duplicate, result.miscounted) == ([at(20)], [at(20)])


def test_an_occurrence_outside_the_required_spans_may_have_a_row_or_not() -> None:
    first_half = Span(since=NOON, until=at(31))

    without = match(EVERY_TEN, rows(10, 20, 30), required=[first_half], allowed=MINUTE)
    with_some = match(EVERY_TEN, rows(10, 20, 30, 50), required=[first_half], allowed=MINUTE)

    assert without.missing == with_some.missing == []
    assert without.extra == with_some.extra == []


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]

    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([], 0.5) == 0
