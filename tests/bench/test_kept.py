"""What was measured is kept in a file, and the README's table is made of it."""

from pathlib import Path

import pytest

from bench.kept import BEGIN, END, NothingKept, keep, put_into, read, table
from bench.report import Figure, Section, at_least, at_most, document

MACHINE = {"machine": "2 cores", "turns": 3}


def section(name: str, value: float) -> Section:
    figures = [
        Figure(name="a|b", values=[value, value + 2], unit="x", goal=at_least(2.0)),
        Figure(name="a rate", values=[5.0], unit="/s"),
        Figure(name="memory", values=[120.0], unit="MB", goal=at_most(100.0)),
        Figure(name="small", values=[], unit="s", goal=at_most(1.0), judged=False),
    ]
    return Section(name=name, title="start", figures=figures, texts=["said"], seconds=1.5)


def test_what_is_read_is_what_was_kept(tmp_path: Path) -> None:
    sections = [section("W1", 3.0), section("W2", 4.0)]
    keep(tmp_path / "new" / "kept.json", MACHINE, sections)

    machine, found = read([tmp_path / "new" / "kept.json"])

    assert document(machine, found) == document(MACHINE, sections)


def test_a_later_files_work_takes_the_place_of_an_earlier_ones(tmp_path: Path) -> None:
    keep(tmp_path / "all", MACHINE, [section("W1", 3.0), section("W2", 4.0)])
    keep(tmp_path / "again", MACHINE, [section("W1", 9.0)])

    _, found = read([tmp_path / "all", tmp_path / "again"])

    assert [(one.name, one.figures[0].values[0]) for one in found] == [("W1", 9.0), ("W2", 4.0)]


@pytest.mark.parametrize("written", [None, "no JSON", "{}", "[]"])
def test_another_file_is_refused(tmp_path: Path, written: str | None) -> None:
    path = tmp_path / "other"
    if written is not None:
        path.write_text(written)

    with pytest.raises(NothingKept, match="is no file of"):
        read([path])


def test_the_table_has_goals_and_ratios_with_their_spread() -> None:
    rows = table(MACHINE, [section("W1", 3.0)]).splitlines()

    assert "| | a\\|b | 4 x | 3 to 5 | at least 2 | ✓ |" in rows
    assert "| | memory | **120 MB** |  | at most 100 | ✗ |" in rows
    assert "| | small | - |  | at most 1 | · |" in rows
    assert not any("a rate" in row for row in rows)
    assert rows[-1] == (
        "Goals: 1 met (✓), 1 not met (✗), 1 not judged (·). machine: 2 cores; turns: 3."
    )


def test_the_table_stands_between_the_marks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    put_into(page, "new")
    put_into(page, "newer")

    assert page.read_text() == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"
    put_into(page, "newer", picture=tmp_path / "docs" / "a.svg")
    assert (
        f"{BEGIN}\n\n![Ratios of one run, and the goals](docs/a.svg)\n\nnewer" in page.read_text()
    )
    page.write_text("no marks")
    with pytest.raises(NothingKept, match="has no <!--"):
        put_into(page, "new")
