"""`./run bench`: what it lists and refuses, and what becomes of a work that fails."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import bench.__main__ as command
from bench.environments import PEERS_LOCK, NotInstalled, our_python
from bench.marks import FILE, mark, read
from bench.programs import Program, ProgramFailed, run
from bench.report import Section
from bench.work import Bench, Wish, Work
from project.devstack.waiting import wait_until

NAMES = ["W1", "W2", "W3", "W4", "W5", "W6", "W7"]
BESIDE = ["growth", "jobs", "api", "dst_weekend", "fill"]


def make_bench(turns: int = 2) -> Bench:
    servers: Any = None
    return Bench(Wish(turns=turns), servers)


def test_every_work_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0

    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == NAMES + BESIDE


@pytest.mark.parametrize(
    ("option", "place"),
    [("--into", "missing.md"), ("--into", "a file"), ("--svg", "."), ("--save", "a file/kept")],
)
def test_where_nothing_can_be_written_is_said_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, place: str
) -> None:
    (tmp_path / "a file").write_text("no marks")

    assert command.main(["W1", "--quick", option, str(tmp_path / place)]) == 2

    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(str(tmp_path / place))


def test_an_unknown_work_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["W1", "W9", "--quick"]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith("'W9' is no work: choose from W1, W2, ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--turns", "0"], "'0': write a whole number, 1 or more"),
        (["--sizes", "10,many"], "'many': write a whole number, 1 or more"),
        (["--database", "oracle"], "invalid choice: 'oracle'"),
    ],
)
def test_bad_options_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(words)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_works_are_found_in_any_case_and_in_the_order_given() -> None:
    assert [work.name for work in command.choose(["growth", "w3"])] == ["growth", "W3"]
    assert len(command.choose([])) == len(NAMES + BESIDE)
    assert [work.name for work in command.choose([], quick=True)] == [*NAMES, "growth"]
    assert [work.name for work in command.choose(["api"], quick=True)] == ["api"]


def test_sides_are_measured_in_turns() -> None:
    seen: list[str] = []

    def side(name: str) -> Callable[[], int]:
        return lambda: seen.append(name) or len(seen)  # type: ignore[func-returns-value]

    found = make_bench().in_turns({"a": side("a"), "b": side("b")}, Section(name="", title=""))

    assert seen == ["a", "b", "a", "b"]
    assert found == {"a": [1, 3], "b": [2, 4]}
    again = make_bench().in_turns(
        {"a": side("a"), "b": side("b")}, Section(name="", title=""), once=["b"]
    )
    assert again == {"a": [5, 7], "b": [6]}


def test_a_peer_that_cannot_be_had_costs_its_own_column_only() -> None:
    def missing() -> int:
        raise NotInstalled("not installed: no network?")

    section = Section(name="", title="")
    found = make_bench().in_turns({"peer": missing, "ours": lambda: 7}, section)

    assert found == {"peer": [], "ours": [7, 7]}
    assert section.texts == ["peer: not installed: no network?"]
    assert not section.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProgramFailed("celery ended with 1: no such thing"), "celery ended with 1: no such thing"),
        (ValueError("of any kind\nat length"), "ValueError: of any kind"),
    ],
)
def test_a_side_whose_program_fails_is_said_and_the_others_go_on(
    error: Exception, said: str
) -> None:
    def broken() -> int:
        raise error

    section = Section(name="", title="")
    found = make_bench().in_turns({"broken": broken, "ours": lambda: 7}, section)

    assert found["ours"] == [7, 7]
    assert section.texts == [f"broken: not measured: {said}"]
    assert section.error


def test_a_work_that_fails_leaves_the_others_their_figures() -> None:
    def measure(bench: Bench, section: Section) -> None:
        raise ValueError("of whatever kind")

    section = command.one(make_bench(), Work(name="W0", title="fails", measure=measure))

    assert section.error == "not measured: ValueError: of whatever kind"


def test_what_runs_now_and_how_long_it_may_take_is_said() -> None:
    works = [
        Work(name=name, title="a", measure=lambda *_: None, minutes=minutes)
        for name, minutes in (("W8", (6.0, 0.5)), ("W9", (3.0, 0.1)))
    ]

    assert command.progress(works, of=3, wish=Wish(turns=3)) == (
        "W8 (2 of 3): a; about 6.0 min, all that is left 9 min"
    )
    assert "about 0.5 min" in command.progress(works, of=3, wish=Wish(quick=True))


def test_an_interrupt_keeps_the_works_that_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(bench: Bench, section: Section) -> None:
        raise KeyboardInterrupt

    ended = Work(name="W1", title="ended", measure=lambda *_: None)
    stopped = Work(name="W2", title="stopped", measure=interrupt)
    monkeypatch.setattr(command, "works", lambda: {"W1": ended, "W2": stopped})
    monkeypatch.setattr(command, "describe_machine", lambda *_: {"machine": "2 cores"})
    monkeypatch.setattr("bench.servers.Servers", lambda **_: nullcontext())
    kept = tmp_path / "measured.json"

    assert command.main(["--save", str(kept)]) == 130
    capsys.readouterr()

    assert command.main(["--from", str(kept), "--json"]) == 0
    assert [work["work"] for work in json.loads(capsys.readouterr().out)["works"]] == ["W1"]


def test_marks_are_the_first_of_each_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "marks"
    monkeypatch.setenv(FILE, str(path))
    for name in ("first", "last", "first"):
        mark(name)

    found = read(path)

    assert list(found) == ["first", "last"]
    assert found["first"] <= found["last"]
    assert read(tmp_path / "none") == {}


def test_a_program_is_watched_and_ended_with_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess; child = subprocess.Popen(['sleep', '60']); print('here'); child.wait()"
    )
    log = tmp_path / "log"
    program = Program([sys.executable, "-c", code], environment={**os.environ}, log=log)

    with program:
        wait_until(lambda: "here" in log.read_text(), what="its line")
        family = program.family()
        assert len(family) == 2
        assert program.cpu_seconds() > 0
        assert program.memory() > 1
        program.check()

    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in family[:1])
    with pytest.raises(ProgramFailed, match="ended with -9: here"):
        program.check()


def test_what_is_measured_may_keep_what_it_has_compiled(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import sys; print(sys.dont_write_bytecode)"
    program = Program([sys.executable, "-c", code], environment=environment, log=tmp_path / "log")

    program.finish()

    assert program.last_lines() == "False"
    assert run(program.command, environment=environment) == "False\n"


def test_where_our_environment_cannot_be_made_beat_has_that_of_development(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "cache").touch()

    assert our_python(tmp_path / "cache", tell=said.append) == Path(sys.executable)

    assert said[-1].startswith("our Beat starts with the packages of development, too: not inst")


def test_what_a_failed_program_says_last_is_kept() -> None:
    code = "import sys; sys.exit('it was like this')"

    with pytest.raises(ProgramFailed, match="ended with 1: it was like this"):
        run([sys.executable, "-c", code], environment={**os.environ})


def test_the_peers_are_pinned_with_hashes_and_without_hosts() -> None:
    lock = PEERS_LOCK.read_text()

    assert "://" not in lock
    for name in ("celery", "django-celery-beat", "celery-redbeat", "apscheduler", "django-q2"):
        assert f"\n{name}==" in f"\n{lock}"
    assert lock.count("--hash=sha256:") > lock.count("==")
