"""The rules of the house that no tool checks: sizes, names, clocks, receivers, URLs, words."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("project", "schedules", "tasks", "bench", "chaos")
LONGEST = 400

# Entry points read the clock; below them time comes in as an argument. `querysets.clock` is
# the clock itself.
CLOCK_READERS = {
    "schedules/querysets/clock.py",
}
RECEIVERS = {
    "schedules/apps.py",
    "schedules/alerts/receivers.py",
    "schedules/timers/adoption.py",  # rows that fixtures and cascades write
}
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc", "base", "tools", "shared", "lib"}


def python_files(*folders: str) -> list[Path]:
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in files if "migrations" not in path.parts and "_pb2" not in path.name]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_matching(pattern: str, *folders: str) -> list[str]:
    expression = re.compile(pattern)
    return [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in python_files(*folders)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if expression.search(line)
    ]


def test_no_file_is_longer_than_one_subject_needs() -> None:
    lengths = {
        name_of(path): len(path.read_text().splitlines()) for path in python_files(*CODE, "tests")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_module_is_named_for_its_vagueness() -> None:
    assert [
        name_of(p) for p in python_files(*CODE) if p.stem in VAGUE or p.parent.name in VAGUE
    ] == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        name_of(path)
        for path in python_files(*CODE)
        if path.read_text().strip()
        and not path.read_text().startswith(('"""', "'''", 'r"""', "#!"))
    ]
    assert silent == []


def test_only_the_clock_module_reads_the_clock() -> None:
    readings = lines_matching(
        r"timezone\.now\(|datetime\.now\(|utcnow\(|date\.today\(", "schedules", "tasks"
    )
    assert [line for line in readings if line.partition(":")[0] not in CLOCK_READERS] == []


def test_receivers_are_connected_in_three_places_only() -> None:
    connected = lines_matching(
        r"@receiver|(?<!socket)(?<!sqlite3)(?<!psycopg)\.connect\(", "schedules", "tasks"
    )
    assert [line for line in connected if line.partition(":")[0] not in RECEIVERS] == []


def test_no_model_of_the_framework_overrides_save() -> None:
    assert lines_matching(r"def (save|delete)\(self", "schedules/models") == []


def test_mocks_are_the_exception() -> None:
    files = {
        line.partition(":")[0]
        for line in lines_matching(
            r"^\s*(from|import) unittest.mock|from unittest import mock", "tests"
        )
    }
    assert len(files) <= 2, files


def test_tests_wait_on_facts_instead_of_sleeping() -> None:
    allowed = {"tests/waiting.py"}
    sleeps = lines_matching(r"\btime\.sleep\(|\basyncio\.sleep\(", "tests")
    assert [line for line in sleeps if line.partition(":")[0] not in allowed] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_no_lock_names_a_host(lock: str) -> None:
    assert re.findall(r"(?:https?|file)://\S+", (ROOT / lock).read_text()) == []


def test_the_import_contracts_can_fail(tmp_path: Path) -> None:
    """Copy the real tree, add one forbidden import each, and run the real configuration over it."""
    import shutil

    for folder in ("project", "schedules", "tasks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    forbidden = {
        "schedules/timing/zones.py": "from schedules import conf",
        "schedules/finish/waiting.py": "import schedules.dispatch",
        "tasks/games/services.py": "import schedules.models",
        "tasks/people/models.py": "import tasks.meetings.models",
        "schedules/models/run.py": "import tasks.people.models",
    }
    broken = [path for path, line in forbidden.items() if _breaks(tmp_path, path, line)]
    new_room = tmp_path / "schedules" / "assorted.py"
    new_room.write_text('"""A module without a floor."""\n')
    assert _lint(tmp_path) != 0, "a new module without a layer was let in"
    assert broken == list(forbidden)


def _breaks(tree: Path, path: str, line: str) -> bool:
    file = tree / path
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n")
    code = _lint(tree)
    if before is None:
        file.unlink()
    else:
        file.write_text(before)
    return code != 0


def _lint(tree: Path) -> int:
    import sys

    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache"], cwd=tree, capture_output=True, check=False, timeout=100
    ).returncode
