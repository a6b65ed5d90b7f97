"""What the jobs read from the environment: values, and refusals in one line."""

from collections.abc import Callable

import pytest

from project.env import Env
from tests.project.programs import run_python


def recipients(env: Env, name: str) -> object:
    return env.recipients(name, languages=["en", "ar", "id"])


@pytest.mark.parametrize(
    ("found", "read", "line"),
    [
        ("hr@", recipients, "X is 'hr@': write addresses, each alone or with its language"),
        ("a@b.co=fr", recipients, "X is 'a@b.co=fr': write addresses"),
        ("a@b.co=", recipients, "X is 'a@b.co=': write addresses"),
        ("a@b.co,a@b.co=ar", recipients, "X is 'a@b.co=ar': write each address once."),
        ("a=check 'x", Env.commands, 'X is "a=check \'x": write name=command ARGUMENTS, several'),
        ("check;check", Env.commands, "X is 'check;check': write name=command ARGUMENTS"),
        ("rm/-rf", Env.commands, "X is 'rm/-rf': write name=command ARGUMENTS"),
        ("a=;;", Env.commands, "X is 'a=;;': write name=command ARGUMENTS"),
        ("host", Env.target, "X is 'host': write host:port, for example"),
        ("h:70000", Env.target, "X is 'h:70000': write host:port"),
        (
            "/nowhere",
            Env.file,
            "X is '/nowhere': write the path of a file that this user may read.",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], found: str, read: Callable[[Env, str], object], line: str
) -> None:
    with pytest.raises(SystemExit) as end:
        read(Env({"X": found}), "X")

    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.startswith(line)
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS": "5m"},
            "MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS is '5m': write a whole number of seconds",
        ),
        (
            {"WORKFORCE_GRPC_DEADLINE_SECONDS": "0"},
            "WORKFORCE_GRPC_DEADLINE_SECONDS is '0': write a number of seconds from 0.1 to 300",
        ),
        (
            {"WORKFORCE_GRPC_TARGET": "far.example.com:50051", "WORKFORCE_GRPC_TOKEN": "hush"},
            "WORKFORCE_GRPC_TLS is 'false': write true: a token crosses a network only encrypted.",
        ),
    ],
)
def test_the_settings_refuse_too(variables: dict[str, str], line: str) -> None:
    ended = run_python("-c", "import project.settings", **variables)

    assert ended.returncode == 2
    assert ended.stderr.startswith(line)
    assert len(ended.stderr.splitlines()) == 1
    assert "hush" not in ended.stderr


def test_values_arrive_as_they_are_meant() -> None:
    program = (
        "from project.settings import *\n"
        "print(HR_RECIPIENTS, MANAGEMENT_COMMANDS)\n"
        "print(EMAIL_USE_TLS, EMAIL_TIMEOUT, WORKFORCE_GRPC_TLS)"
    )

    ended = run_python(
        "-c",
        program,
        HR_RECIPIENTS="hr@example.com, mudir@example.com=ar",
        MANAGEMENT_COMMANDS="tidy=clearsessions; check --deploy 'a b;c' #x;",
        EMAIL_URL="smtp+tls://u:p@mail.example.com:587",
        WORKFORCE_GRPC_TARGET="[::1]:50051",
        WORKFORCE_GRPC_TOKEN="hush",
    )

    assert ended.stdout == (
        "[('hr@example.com', 'en'), ('mudir@example.com', 'ar')]"
        " {'tidy': ['clearsessions'], 'check': ['check', '--deploy', 'a b;c', '#x']}\n"
        "True 30 False\n"
    )
