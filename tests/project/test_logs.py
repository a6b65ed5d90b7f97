"""Log lines: who they are about, and nothing in them that lies, steers or gives away."""

import json
import logging
import sys

import pytest

from project.logs import JsonLineFormatter, LineFormatter, RunContext
from schedules.current import CurrentRun, executing
from schedules.finish import message_context
from schedules.models import Run

FORMATTERS = [LineFormatter(), JsonLineFormatter()]


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "tasks.jobs", "levelname": "INFO", "msg": message, "args": args, **extra}
    )
    RunContext().filter(made)
    return made


def test_a_json_line_is_one_object() -> None:
    line = JsonLineFormatter().format(record("%d rows", 3, action="read", created=0.0))

    assert json.loads(line) == {
        "at": "1970-01-01T00:00:00.000Z",
        "level": "INFO",
        "logger": "tasks.jobs",
        "message": "3 rows",
        "action": "read",
    }


def fail() -> None:
    raise ValueError("x\n2026-01-01T00:00:00.000Z ERROR forged\x1b[2J")


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize(
    "attack",
    [
        "x\n2026-01-01 ERROR forged",
        "x\r\nforged",
        "\x1b[2Jx",
        "abc\u202egnp.exe",
        "x\u2028y",
        "\x00",
    ],
)
def test_no_text_makes_a_second_line_or_steers_a_terminal(
    formatter: logging.Formatter, attack: str
) -> None:
    for made in (record("%s", attack), record("said", job=attack)):
        line = formatter.format(made)
        assert len(line.splitlines()) == 1
        assert all(c.isprintable() for c in line)


def test_a_traceback_cannot_look_like_a_line() -> None:
    try:
        fail()
    except ValueError:
        made = record("it failed", exc_info=sys.exc_info())

    first, *rest = LineFormatter().format(made).splitlines()
    assert first.endswith("it failed")
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert "forged" in json.loads(JsonLineFormatter().format(made))["exc_info"]


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_no_line_holds_a_secret(formatter: logging.Formatter) -> None:
    made = record(
        "connecting to %s",
        "redis://:c4n4ry-value@host/0",
        headers={"Authorization": "c4n4ry-value"},
    )

    assert "c4n4ry" not in formatter.format(made)


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_every_line_of_a_body_names_its_run(formatter: logging.Formatter) -> None:
    run = Run(job_key="nightly", task="sample_jobs.add", attempt=2)

    with executing(CurrentRun(run, message_context(run))):
        inside = formatter.format(record("working"))
    outside = formatter.format(record("working"))

    for part in (str(run.task_id), "nightly", "attempt"):
        assert part in inside
        assert part not in outside
