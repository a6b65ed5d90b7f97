"""`./run up` with a database and a broker that live elsewhere: refused before anything starts."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.devstack.ports import free_port
from project.devstack.waiting import wait_until
from tests.project.programs import ROOT, run_python

UP = ("-m", "project.devstack", "up", "--port=0")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("name", "url", "shown"),
    [
        ("REDIS_URL", "redis://:hush@127.0.0.1:{}/0", "redis://:***@127.0.0.1:{}/0"),
        ("DATABASE_URL", "postgresql://ada:hush@127.0.0.1:{}/x", "postgresql://ada:***@127.0.0.1:"),
        (
            "SCHEDULER_JOBSTORE_URL",
            "postgresql://ada:hu@sh@127.0.0.1:{}/x",
            "postgresql://ada:***@",
        ),
    ],
)
def test_a_server_that_is_not_there_is_one_line_that_names_the_variable(
    name: str, url: str, shown: str, tmp_path: Path
) -> None:
    port = free_port()

    ended = run_python(
        *UP, DATA_DIR=str(tmp_path), **{"DATABASE_URL": "", name: url.format(port)}
    )  # fmt: skip

    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith(f"{name} is '{shown.format(port)}")
    assert "refused" in ended.stderr.lower()
    assert "hush" not in ended.stderr
    assert "hu@sh" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://127.0.0.1:{}/0"),
        ("DATABASE_URL", "postgresql://ada:hush@127.0.0.1:{}/x"),
    ],
)
def test_a_server_that_says_nothing_is_given_up_after_a_while(
    name: str, url: str, silent_port: int, tmp_path: Path
) -> None:
    ended = run_python(
        *UP, DATA_DIR=str(tmp_path), **{"DATABASE_URL": "", name: url.format(silent_port)}
    )

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith(f"{name} is '")


def test_ctrl_c_while_it_still_loads_says_nothing(silent_port: int, tmp_path: Path) -> None:
    variables = {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": ""}
    variables["REDIS_URL"] = f"redis://127.0.0.1:{silent_port}/0"
    with subprocess.Popen(
        [sys.executable, *UP], cwd=ROOT, env=variables, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as starting:  # fmt: skip
        wait_until((tmp_path / "up.lock").exists, what="the lock")

        starting.send_signal(signal.SIGINT)

        said, _ = starting.communicate(timeout=30)
    assert (starting.returncode, said) == (-signal.SIGINT, "")
