"""The note that a running `./run up` leaves in DATA_DIR, by which other commands find it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NAME = "up.json"


def write_note(data_dir: Path, note: dict[str, Any]) -> None:
    """Replace the note at once, readable by its owner only: it holds passwords."""
    fresh = data_dir / f".{NAME}-{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(note, indent=2) + "\n")
    fresh.replace(data_dir / NAME)


def read_note(data_dir: Path) -> dict[str, Any]:
    """Return the note of the system that runs on `data_dir`; empty when none runs or it is not
    ours to read.

    After a kill -9 the note stays behind, so it counts only while its supervisor lives.
    """
    try:
        note = json.loads((data_dir / NAME).read_text())
        if isinstance(note, dict) and is_alive(int(note["supervisor"])):
            return note
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {}


def remove_note(data_dir: Path) -> None:
    """Take the note away; no error when there is none."""
    (data_dir / NAME).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """True while a process with this number exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
