"""Job stores that real versions of APScheduler wrote, and the rows that an import needs."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from project.devstack.environment import CannotInstall, find_uv
from schedules.operations.install import install_declared

ROOT = Path(__file__).resolve().parents[4]
WRITER = Path(__file__).with_name("write_stores.py")


@dataclass(frozen=True, slots=True)
class Stores:
    """The files of the two kinds of store."""

    version: str
    plain: Path
    in_django: Path


@pytest.fixture(scope="session")
def write_stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stores]:
    """Return a function that has a version of APScheduler write its stores, once for each."""
    written: dict[str, Stores] = {}

    def write(version: str) -> Stores:
        if version not in written:
            folder = tmp_path_factory.mktemp(f"apscheduler-{version}")
            packages = None if version == "3.11" else _installed(version, folder / "packages")
            written[version] = _write(folder, packages)
        return written[version]

    return write


def _installed(version: str, folder: Path) -> Path:
    """Install the version beside everything else; skip the test where that is not possible."""
    try:
        uv = find_uv(Path(sys.prefix))
    except CannotInstall as reason:
        pytest.skip(f"APScheduler {version} cannot be had: {reason}")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]
    done = subprocess.run(
        [*command, f"apscheduler=={version}.*"], capture_output=True, check=False, text=True
    )
    if done.returncode:
        pytest.skip(f"APScheduler {version} cannot be had: {done.stderr.strip()[-200:]}")
    return folder


def _write(folder: Path, packages: Path | None) -> Stores:
    plain, in_django = folder / "plain.db", folder / "django.db"
    path = os.pathsep.join(str(place) for place in (packages, ROOT) if place)
    done = subprocess.run(
        [sys.executable, str(WRITER), str(plain), str(in_django)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return Stores(done.stdout.strip(), plain, in_django)


@pytest.fixture
def installed(db: None, now: datetime) -> None:
    """Install what code declares, `sample_jobs` among it."""
    install_declared(now=now)
