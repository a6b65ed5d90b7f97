"""The note by which other commands find a running system."""

import json
import os
from pathlib import Path

from project.running import read_note, remove_note, write_note


def test_a_note_is_read_back_and_private(tmp_path: Path) -> None:
    write_note(tmp_path, {"supervisor": os.getpid(), "redis_url": "redis://x"})

    assert read_note(tmp_path)["redis_url"] == "redis://x"
    assert (tmp_path / "up.json").stat().st_mode & 0o777 == 0o600


def test_a_note_of_a_killed_system_does_not_count(tmp_path: Path) -> None:
    write_note(tmp_path, {"supervisor": 2**22 + 1, "redis_url": "redis://x"})

    assert read_note(tmp_path) == {}


def test_a_broken_or_missing_note_does_not_count(tmp_path: Path) -> None:
    assert read_note(tmp_path) == {}
    for text in ("", "[]", "{", json.dumps({"supervisor": "x"})):
        (tmp_path / "up.json").write_text(text)
        assert read_note(tmp_path) == {}

    remove_note(tmp_path)
    remove_note(tmp_path)
