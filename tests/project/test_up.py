"""`./run up` with its real processes: one system a directory, taken ports, and a clean end."""

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.devstack.guard import runs
from project.devstack.stack import Stack
from project.devstack.waiting import wait_until
from tests.migrated import lay
from tests.project.programs import run_python

pytestmark = pytest.mark.stack
UP = ("-m", "project.devstack", "up")
EVERYTHING = ("web", "beat", "worker", "flower")
MakeDatabase = Callable[..., str | None]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, make_database: MakeDatabase) -> Iterator[Stack]:
    """A whole system; tests that end it start their own."""
    place = tmp_path_factory.mktemp("up")
    with Stack(place, database_url=make_database(migrated=True), only=EVERYTHING) as running:
        yield running


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The directory of a system of its own, whose database is migrated, where the runner did it."""
    lay(tmp_path / "downbeat.sqlite3")
    return tmp_path


@pytest.mark.smoke
def test_the_start_is_announced_in_order_and_ends_with_the_address(stack: Stack) -> None:
    announced = [
        line.split("| ")[1]
        for line in stack.log().splitlines()
        if line.startswith("up ") and line.endswith("is ready")
    ]
    order = ["broker", "web", "beat", "worker", "flower"]

    assert announced == [f"{name} is ready" for name in order]
    assert list(stack.pids) == order
    last = f"ready {stack.web}"  # is said just after `up.json` says so
    wait_until(lambda: last in stack.log().splitlines(), what=last)


@pytest.mark.smoke
def test_a_second_start_says_where_the_first_one_is(stack: Stack) -> None:
    ended = run_python(*UP, DATA_DIR=str(stack.data_dir))

    assert ended.returncode == 4
    supervisor = stack.note()["supervisor"]
    assert ended.stderr == f"Already running: {stack.web} (process {supervisor}).\n"


def test_commands_in_another_terminal_find_the_running_broker(stack: Stack) -> None:
    ended = stack.run("-m", "celery", "-A", "project", "inspect", "ping", "--timeout", "5")

    assert ended.returncode == 0, ended.stderr
    assert "pong" in ended.stdout


def test_flower_asks_for_a_password(stack: Stack) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(stack.note()["flower"]["url"], timeout=5)

    assert refused.value.code == 401
    refused.value.close()


def test_what_holds_passwords_is_private_and_no_command_line_shows_one(stack: Stack) -> None:
    for name in ("up.json", "secret_key", "flower_password", "valkey/valkey.conf"):
        assert (stack.data_dir / name).stat().st_mode & 0o077 == 0, name
    login = stack.note()["flower"]["login"].partition(":")[2]
    broker = stack.redis_url.partition(":")[2].partition("@")[0].lstrip("/:")
    for pid in stack.pids.values():
        shown = Path(f"/proc/{pid}/cmdline").read_text()
        assert login not in shown
        assert broker not in shown


@pytest.mark.parametrize("taken", ["web", "flower"])
def test_a_taken_port_is_one_line_before_anything_starts(taken: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        asked = port if taken == "web" else port - 1

        ended = run_python(*UP, f"--port={asked}", DATA_DIR=str(tmp_path), REDIS_URL="")

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"Port {port} on 127.0.0.1 is taken: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_host_that_is_not_ours_is_one_line_about_the_host(tmp_path: Path) -> None:
    ended = run_python(*UP, "--host=192.0.2.1", DATA_DIR=str(tmp_path), REDIS_URL="")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith(": give --host an address of this machine.\n")


def test_a_setting_that_only_django_can_check_ends_the_start(tmp_path: Path) -> None:
    ended = run_python(
        *("-m", "project.devstack.prepare"), DATA_DIR=str(tmp_path), MANAGEMENT_COMMANDS="no_such"
    )

    assert ended.returncode == 2
    assert ended.stderr == (
        "MANAGEMENT_COMMANDS names 'no_such', which is not a management command."
        " manage.py help lists those there are.\n"
    )


def test_ctrl_c_ends_every_process_and_takes_the_note_away(data_dir: Path) -> None:
    stack = Stack(data_dir, only=EVERYTHING)
    stack.start()
    pids = [*stack.pids.values(), *stack.children("worker"), *stack.children("web")]

    code = stack.stop(number=signal.SIGINT)

    assert code == 0
    assert [pid for pid in pids if runs(pid)] == []
    assert not (data_dir / "up.json").exists()


@pytest.mark.smoke
def test_a_killed_supervisor_leaves_no_process_behind(
    tmp_path: Path, make_database: MakeDatabase
) -> None:
    stack = Stack(tmp_path, database_url=make_database(migrated=True), only=EVERYTHING)
    stack.start()
    pids = [*stack.pids.values(), *stack.children("worker"), *stack.children("web")]

    stack.kill_supervisor()

    wait_until(lambda: not any(runs(pid) for pid in pids), what="the end of all processes")
    stack.start()  # the lock is free again, and the note of the dead does not disturb
    assert stack.stop() == 0


def test_a_killed_broker_comes_back_at_the_same_address(data_dir: Path) -> None:
    with Stack(data_dir, only=("worker",)) as stack:
        address = stack.redis_url

        stack.wait_restarted("broker", old=stack.kill("broker"))

        assert stack.redis_url == address
        assert "broker was killed by SIGKILL; starting it again" in stack.log()


def test_the_system_ends_when_a_process_crashes_too_often(data_dir: Path) -> None:
    stack = Stack(data_dir, only=("beat",), crash_limit=2)
    stack.start()

    stack.wait_restarted("beat", old=stack.kill("beat"))
    os.kill(stack.pids["beat"], signal.SIGKILL)

    assert stack.process is not None
    assert stack.process.wait(30) == 1
    assert "beat crashed 2 times in a minute; stopping everything" in stack.log()


def test_the_first_account_is_made_once(data_dir: Path) -> None:
    with Stack(data_dir, only=("beat",)) as stack:
        first = stack.log()
    with Stack(data_dir, only=("beat",)) as stack:
        second = stack.log().removeprefix(first)

    assert "first start: log in as admin with the password " in first
    assert "first start" not in second
