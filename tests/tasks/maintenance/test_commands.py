"""Configured commands: in order, each with its outcome, none stops the rest, nothing else runs."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django_celery_results.models import TaskResult

from project.devstack.waiting import wait_until
from schedules.models import Run
from schedules.public import InvalidInput
from schedules.registry import argument_schema, check_arguments, find
from schedules.testing import execute
from tasks.maintenance.commands import (
    MOST_CHARACTERS,
    TOGETHER,
    check_commands,
    limit_of_all,
)
from tasks.maintenance.jobs import run_management_commands
from tests.project.programs import run_python

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def program(settings: Any, tmp_path: Path) -> Path:
    """Let `manage.py` be a small program that does as its words say."""
    settings.BASE_DIR = tmp_path
    path = tmp_path / "manage.py"
    path.write_text(
        "import signal, subprocess, sys\n"
        "what, *rest = sys.argv[1:]\n"
        "print('out', what, *rest)\n"
        "print('err', what, file=sys.stderr)\n"
        "if what == 'long': print('x' * 50_000, end='end')\n"
        "if what == 'child':\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "    open('child', 'w').write(str(child.pid))\n"
        "    signal.pause()\n"
        "sys.exit(3 if what == 'bad' else 0)\n"
    )
    settings.MANAGEMENT_COMMANDS = {"first": ["good", "--flag", "two words"], "last": ["good"]}
    return path


def commands_of(run: Run) -> Any:
    result = json.loads(TaskResult.objects.get(task_id=str(run.task_id)).result)
    data = result if "commands" in result else result["exc_message"][1]
    return data["commands"]


def test_commands_run_in_order_with_their_fixed_arguments() -> None:
    run = execute(run_management_commands)

    assert (run.state, run.summary) == ("succeeded", "2 of 2 commands succeeded.")
    first, last = commands_of(run)
    assert (first["name"], first["status"], first["exit_code"]) == ("first", "succeeded", 0)
    assert first["output"] == "out good --flag two words\n"
    assert first["error"] == "err good\n"
    assert last["output"] == "out good\n"


def test_what_commands_print_is_in_the_runs_log() -> None:
    run = execute(run_management_commands)

    lines = run.log.splitlines()
    assert lines[:3] == ["$ good --flag two words", "out good --flag two words", "err good"]
    assert run.progress == {"done": 2, "total": 2}


def test_a_failing_command_does_not_stop_the_rest_and_fails_the_run(settings: Any) -> None:
    settings.MANAGEMENT_COMMANDS = {"a": ["bad"], "b": ["good"]}

    run = execute(run_management_commands)

    assert run.state == "failed"
    assert run.summary == "1 of 2 commands succeeded; a failed."
    assert [(each["name"], each["status"], each["exit_code"]) for each in commands_of(run)] == [
        ("a", "failed", 3),
        ("b", "succeeded", 0),
    ]


def test_a_command_beyond_its_time_is_stopped_with_all_it_started(
    settings: Any, tmp_path: Path
) -> None:
    settings.MANAGEMENT_COMMANDS = {"a": ["child"], "b": ["good"]}
    settings.MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS = 1

    run = execute(run_management_commands)

    assert [each["status"] for each in commands_of(run)] == ["timed_out", "succeeded"]
    assert commands_of(run)[0]["error"].startswith("stopped after 1 s\n")
    assert is_gone(int((tmp_path / "child").read_text()))


def is_gone(pid: int) -> bool:
    """Whether the process has ended, perhaps without anybody who has asked how."""
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_command_ends_with_its_worker_and_so_does_all_it_started(
    program: Path, tmp_path: Path
) -> None:
    command = [*TOGETHER, sys.executable, str(program), "child"]
    hold = f"subprocess.Popen({command!r}, stdin=subprocess.PIPE, start_new_session=True)"
    worker = subprocess.Popen(
        [sys.executable, "-c", f"import signal, subprocess; held = {hold}; signal.pause()"],
        cwd=tmp_path,
    )
    started = tmp_path / "child"
    wait_until(lambda: started.exists() and started.read_text() != "", what="the command's child")

    worker.kill()
    worker.wait()

    wait_until(lambda: is_gone(int(started.read_text())), what="the end of the command's child")


def test_the_run_has_time_for_all_its_commands(settings: Any) -> None:
    settings.MANAGEMENT_COMMANDS = {str(number): ["good"] for number in range(20)}
    settings.MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS = 300
    declaration = find("maintenance.run_management_commands")

    assert limit_of_all() == timedelta(seconds=6000)
    assert declaration is not None
    assert declaration.soft_time_limit is not None
    assert declaration.time_limit is not None
    assert declaration.time_limit > declaration.soft_time_limit > timedelta(seconds=300)
    with pytest.raises(InvalidInput, match="each comes once"):
        check_arguments(declaration, [], {"names": ["1", "2", "1"]})


def test_the_end_of_a_long_output_is_kept(settings: Any) -> None:
    settings.MANAGEMENT_COMMANDS = {"a": ["long"]}

    (command,) = commands_of(execute(run_management_commands))

    assert len(command["output"]) == MOST_CHARACTERS
    assert command["output"].endswith("end")


def test_a_caller_may_choose_among_the_names_and_nothing_else() -> None:
    chosen = execute(run_management_commands, names=["last"])
    declaration = find("maintenance.run_management_commands")

    assert chosen.summary == "1 of 1 commands succeeded."
    assert declaration is not None
    assert "names" in argument_schema(declaration)["properties"]
    with pytest.raises(InvalidInput, match="'flush'"):
        check_arguments(declaration, [], {"names": ["flush"]})
    with pytest.raises(InvalidInput, match="first, last"):
        run_management_commands(names=["flush"], run=None)


def test_a_name_that_has_been_removed_since_fails_the_run_in_one_sentence() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("schedules.testing.check_arguments", lambda *_: None)
        run = execute(run_management_commands, names=["gone"])

    assert run.state == "failed"
    assert run.error == (
        "InvalidInput: names is 'gone': names in MANAGEMENT_COMMANDS (first, last)."
    )


def test_without_commands_there_is_nothing_to_do(settings: Any) -> None:
    settings.MANAGEMENT_COMMANDS = {}

    run = execute(run_management_commands)

    assert (run.state, run.reason) == ("skipped", "MANAGEMENT_COMMANDS names no command")


def test_a_real_command_runs(settings: Any) -> None:
    settings.BASE_DIR = Path(__file__).resolve().parents[3]
    settings.MANAGEMENT_COMMANDS = {"a": ["help", "--commands"]}

    (command,) = commands_of(execute(run_management_commands))

    assert "import_punches" in command["output"]
    assert os.sep not in command["error"]


def test_a_command_that_does_not_exist_is_told_by_check(settings: Any) -> None:
    settings.MANAGEMENT_COMMANDS = {"a": ["check"], "b": ["chekc"]}

    (error,) = check_commands()

    assert error.msg == "MANAGEMENT_COMMANDS names 'chekc', which is not a management command."


def test_the_job_is_enabled_when_commands_are_configured() -> None:
    program = (
        "import django; django.setup()\n"
        "from schedules.registry import find\n"
        "print(find('maintenance.run_management_commands').enabled)"
    )
    variables = {"DJANGO_SETTINGS_MODULE": "project.settings"}

    configured = run_python("-c", program, MANAGEMENT_COMMANDS="check --deploy", **variables)

    assert configured.stdout == "True\n"
