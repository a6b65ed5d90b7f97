"""Drawings are pure functions: values in, one picture with a name out."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from schedules.dashboard.drawing.bars import outcome_bars
from schedules.dashboard.drawing.canvas import number
from schedules.dashboard.drawing.curves import curve, scatter
from schedules.dashboard.drawing.heatmap import year
from schedules.dashboard.drawing.sparkline import sparkline
from schedules.dashboard.drawing.story import Stretch, story_bar
from schedules.dashboard.drawing.strip import next_hour
from schedules.operations.outcomes import Hour
from schedules.querysets.newest import Glimpse

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOW.date()


def read(drawing: str) -> ElementTree.Element:
    """Parse it as a browser would; a shape out of the picture is a mistake."""
    element = ElementTree.fromstring(drawing)  # noqa: S314 - our own
    assert element.get("role") == "img"
    assert element.get("aria-label")
    assert element.find("desc") is not None
    return element


def shown(hours: list[Hour]) -> str:
    return outcome_bars(hours, show=lambda instant: f"{instant:%H:%M}")


@pytest.mark.parametrize(
    "drawing",
    [
        sparkline([]),
        shown([]),
        next_hour([], now=NOW),
        year({}, {}, today=TODAY),
        scatter([], title="x", p50=None, p95=None),
        curve([], title="x", description="y"),
        story_bar([]),
    ],
)
def test_without_values_there_is_a_picture(drawing: str) -> None:
    read(drawing)


def test_a_sparkline_shows_the_last_sixty_in_one_path_for_each_tone() -> None:
    runs = [Glimpse(1, "succeeded", 1.0)] * 70 + [Glimpse(1, "failed", None)] * 2

    drawing = read(sparkline(runs))

    paths = {path.get("class"): path.get("d", "") for path in drawing.iter("path")}
    assert set(paths) == {"good", "bad"}
    assert (paths["good"].count("M"), paths["bad"].count("M")) == (58, 2)
    assert drawing.get("aria-label") == "Last 60 runs: 58 succeeded, 2 failed"


def test_one_failure_among_thousands_is_seen() -> None:
    hour = Hour(begins_at=NOW, counts=Counter(succeeded=5000, failed=1))

    drawing = read(shown([hour]))

    (bad,) = [each for each in drawing.iter("rect") if each.get("class") == "bad"]
    assert float(bad.get("height", "0")) >= 2
    told = [title.text for title in drawing.iter("title")]
    assert "12:00: 5000 succeeded, 1 failed" in told


def test_a_day_has_the_colour_of_most_outcomes_and_the_gravest_at_its_foot() -> None:
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    past = {yesterday: Counter(succeeded=23, missed=1)}

    drawing = read(year(past, {tomorrow: 24}, today=TODAY))

    cells: dict[str, list[str]] = {}
    for cell in drawing.iter("rect"):
        cells.setdefault(str(cell.findtext("title")), []).append(str(cell.get("class")))
    assert cells["Sun 1 Mar 2026: 1 missed, 23 succeeded"] == ["good strength-3", "warn"]
    assert cells["Tue 3 Mar 2026: 24 planned"] == ["ahead"]
    assert len(cells) == 57 * 7


def test_the_next_hour_shows_where_many_begin_together() -> None:
    instants = [NOW + timedelta(minutes=5)] * 3 + [NOW + timedelta(minutes=7), NOW - timedelta(1)]

    drawing = read(next_hour(instants, now=NOW))

    heights = [float(each.get("height", "0")) for each in drawing.iter("rect")]
    assert len(heights) == 2
    assert heights[0] > heights[1]


def test_dots_lie_within_the_picture() -> None:
    values = [("succeeded", timedelta(seconds=n), f"{n}") for n in range(200)]

    drawing = read(scatter(values, title="x", p50=timedelta(seconds=100), p95=None))

    for dot in drawing.iter("rect"):
        assert 0 <= float(dot.get("x", "-1")) <= 720
        assert -4 <= float(dot.get("y", "-9")) <= 120


def test_one_run_that_was_hours_late_leaves_the_others_to_be_told_apart() -> None:
    values = [("succeeded", timedelta(seconds=n), f"{n}") for n in (1, 2, 7200)]

    drawing = read(scatter(values, title="x", p50=None, p95=timedelta(seconds=2)))

    first, second, latest = (float(dot.get("y", "-9")) for dot in drawing.iter("rect"))
    assert first - second > 10
    assert -4 <= latest < second


def test_stretches_are_in_proportion_and_none_vanishes() -> None:
    drawing = read(
        story_bar(
            [
                Stretch("for a worker", timedelta(0), "warn"),
                Stretch("at work", timedelta(seconds=9), "live"),
            ]
        )
    )

    widths = {each.get("class"): float(each.get("width", "0")) for each in drawing.iter("rect")}
    assert widths["live"] > 100 * widths["warn"] / 2 > 0


def test_markup_in_a_name_stays_text() -> None:
    drawing = curve([1.0, 2.0], title="<script>", description="&")

    assert "<script>" not in drawing
    assert read(drawing).get("aria-label") == "<script>"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (-0.001, "0"), (1.5, "1.5"), (10.0, "10"), (2.349, "2.35")]
)
def test_coordinates_are_short(value: float, text: str) -> None:
    assert number(value) == text
