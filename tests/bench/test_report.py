"""The report says what was measured and judges it honestly."""

import json
from xml.etree import ElementTree

import pytest

from bench.picture import draw
from bench.report import (
    Figure,
    Goal,
    Section,
    at_least,
    at_most,
    document,
    number,
    ratios,
    text,
)


def figure(values: list[float], goal: Goal | None = None, *, judged: bool = True) -> Figure:
    return Figure(name="one / other", values=values, unit="x", goal=goal, judged=judged)


def test_ratios_compare_what_was_measured_in_the_same_turn() -> None:
    assert ratios([10.0, 30.0], [5.0, 10.0]) == [2.0, 3.0]
    assert ratios([10.0, 30.0], [5.0]) == [2.0]
    assert ratios([10.0], [0.0]) == []


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (figure([1.0, 3.0, 2.0], at_least(2.0)), "met"),
        (figure([1.0, 3.0, 1.9], at_least(2.0)), "not met"),
        (figure([1.0, 3.0, 2.0], at_most(2.0)), "met"),
        (figure([2.1], at_most(2.0)), "not met"),
        (figure([2.1], at_most(2.0), judged=False), "not judged"),
        (figure([], at_most(2.0)), "not judged"),
        (figure([2.1]), ""),
    ],
)
def test_the_median_is_held_to_the_goal_where_the_sizes_are_the_goals(
    one: Figure, verdict: str
) -> None:
    assert one.verdict == verdict


def test_one_document_has_everything() -> None:
    section = Section(
        name="W1", title="start", figures=[figure([2.0, 4.0, 3.0], at_most(1)), figure([])]
    )

    said = json.loads(json.dumps(document({"cores": 2}, [section])))

    assert said["machine"] == {"cores": 2}
    assert said["goals"] == {"met": 0, "not met": 1, "not judged": 0}
    [work] = said["works"]
    assert work["work"] == "W1"
    assert work["figures"][0]["median"] == 3.0
    assert (work["figures"][0]["least"], work["figures"][0]["most"]) == (2.0, 4.0)
    assert work["figures"][0]["verdict"] == "not met"
    assert work["figures"][1]["median"] is None


def test_a_person_reads_medians_spread_and_verdicts() -> None:
    measured = figure([2.0, 4.0, 3.0], at_most(1))
    section = Section(name="W1", title="start", figures=[measured], error="not all of it")

    said = text({"cores": 2}, [section])

    assert "cores: 2" in said
    assert "3 x" in said
    assert "(2 to 4)" in said
    assert "goal: at most 1 x: not met" in said
    assert "not all of it" in said


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0"), (0.01234, "0.0123"), (3.14159, "3.14"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits(value: float, written: str) -> None:
    assert number(value) == written


def test_the_picture_shows_each_ratio_that_has_a_value() -> None:
    figures = [figure([3.0], at_least(2)), figure([5_000.0]), figure([])]
    figures.append(Figure(name="a rate", values=[5.0], unit="/s"))
    sections = [Section(name="W<1>", title="start", figures=figures)]

    drawn = ElementTree.fromstring(draw({"machine": "2 cores"}, sections))  # noqa: S314 - our own

    bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 2
    assert all(float(bar.attrib["width"]) > 0 for bar in bars)
    words = [part.text for part in drawn.iter()]
    assert {"W<1>  start", "one / other", "3x ✓", "≥ 2"} <= set(words)
