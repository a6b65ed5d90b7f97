"""The first start on a machine with Python and nothing else: empty HOME, no uv, no git."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from project.devstack.ports import free_port
from project.devstack.waiting import wait_until
from tests.project.programs import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "node_modules"
)
# How this machine reaches the package index, and by which certificates, is no part of the product.
PASSED_ON = re.compile(r"(?i)(https?|no)_proxy|SSL_CERT_.*|PIP_(CERT|INDEX_URL)|UV_DEFAULT_INDEX")
START_WITHIN = timedelta(minutes=4)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the tree without anything that was made in it."""
    return shutil.copytree(ROOT, tmp_path / "checkout", ignore=NOT_COPIED, symlinks=True)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a new account: an empty HOME, and the PATH of the system."""
    (tmp_path / "home").mkdir()
    passed_on = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path / "home"), **passed_on}


@pytest.fixture
def up(
    checkout: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`./run up --demo` in the new checkout, and the file that gets its output."""
    log = checkout / "up.log"
    command = ["./run", "up", "--demo", f"--port={free_port(neighbours=1)}"]
    with log.open("wb") as output:
        running = subprocess.Popen(
            command,
            cwd=checkout,
            env=environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    yield running, log
    running.terminate()
    running.wait(60)


def has_system_python() -> bool:
    """True if the programs of the system include a Python that `./run` accepts."""
    found = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    asked = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
    return found is not None and subprocess.run([found, "-c", asked], check=False).returncode == 0


@pytest.mark.skipif(not has_system_python(), reason="the system has no Python 3.11 to 3.13")
def test_one_command_starts_everything(
    up: tuple[subprocess.Popen[bytes], Path], checkout: Path, environment: dict[str, str]
) -> None:
    running, log = up

    def started() -> bool:
        if "no network?" in log.read_text():
            pytest.skip("no network to install from")
        assert running.poll() is None, log.read_text()
        return bool(re.search(r"(?m)^ready http://127\.0\.0\.1:\d+$", log.read_text()))

    wait_until(started, what="the start", timeout=START_WITHIN)

    began = time.monotonic()
    again = subprocess.run(
        ["./run", "python", "-c", "print('warm')"],
        cwd=checkout, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert again.stdout == "warm\n"
    assert again.stderr == ""
    assert time.monotonic() - began < 2
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0, log.read_text()


@pytest.mark.skipif(not has_system_python(), reason="the system has no Python 3.11 to 3.13")
def test_without_a_way_to_the_packages_it_says_so_in_one_line(
    checkout: Path, environment: dict[str, str]
) -> None:
    nowhere = "http://127.0.0.1:1/simple"
    environment |= {"PIP_INDEX_URL": nowhere, "UV_DEFAULT_INDEX": nowhere, "PIP_RETRIES": "0"}

    ended = subprocess.run(
        ["./run", "up"], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("run: cannot ")
