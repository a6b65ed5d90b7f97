"""The lock files: exact versions with hashes, no addresses, development on top of runtime."""

import re
from pathlib import Path

import pytest

from tests.project.programs import ROOT

LOCKS = ["requirements.lock", "requirements-dev.lock"]


def requirements(path: Path) -> list[str]:
    """Return the entries of a lock file, each on one line."""
    return path.read_text().replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_no_address(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_an_exact_version_and_hashes(name: str) -> None:
    exact = re.compile(r"[a-z0-9-]+==[^ ]+ (; [^\\]+ )?( *--hash=sha256:[0-9a-f]{64})+")

    assert [line for line in requirements(ROOT / name) if not exact.fullmatch(line)] == []


def test_the_development_lock_contains_the_runtime_lock() -> None:
    runtime, development = (
        {line.partition(" ")[0] for line in requirements(ROOT / name)} for name in LOCKS
    )

    assert runtime <= development
