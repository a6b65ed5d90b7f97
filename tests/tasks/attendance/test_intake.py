"""Punches from clients and files: saved once, refused by row, nothing else lost."""

import csv
import os
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tasks.attendance.intake import Intake, take_punches
from tasks.attendance.models import PunchLog

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 6, 12, tzinfo=UTC)
HEAD = "employee_code,at,device,direction"


def take(*entries: dict[str, Any]) -> Intake:
    return take_punches(enumerate(entries), now=NOW)


def entry(**changes: Any) -> dict[str, Any]:
    return {"employee_code": "E1", "at": "2030-05-06T08:00:00+07:00", **changes}


def test_a_punch_is_the_same_by_code_instant_and_device() -> None:
    first = take(entry(), entry(device="gate"), entry(at=NOW), entry(employee_code="E2"))
    again = take(entry(direction="in"), entry(at=datetime(2030, 5, 6, 1, tzinfo=UTC)))

    assert (first.created, first.existed) == (4, 0)
    assert (again.created, again.existed) == (0, 2)
    assert PunchLog.objects.count() == 4


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"employee_code": " "},
            "employee_code is '': the code of an employee, for example E0007.",
        ),
        ({"employee_code": "x" * 51}, "text of at most 50 characters."),
        ({"employee_code": 7}, "employee_code is '7': text of at most 50 characters."),
        ({"device": "a\nb"}, "text of at most 100 characters."),
        ({"direction": "up"}, "direction is 'up': in, out or empty."),
        ({"at": "2030-05-06T08:00:00"}, "an instant with its UTC offset, for example"),
        ({"at": "yesterday"}, "at is 'yesterday': an instant with its UTC offset"),
        ({"at": None}, "at is '': an instant with its UTC offset"),
        ({"at": "0001-01-01T00:00:00+07:00"}, "an instant with its UTC offset"),
        ({"at": "2030-05-06T12:06:00Z"}, "not in the future (now is 2030-05-06T12:00:00Z)."),
    ],
)
def test_a_bad_punch_is_refused_in_one_sentence_and_the_others_are_kept(
    changes: dict[str, Any], sentence: str
) -> None:
    intake = take(entry(), entry(**changes), entry(employee_code="E3"))

    assert intake.created == 2
    assert [refusal.number for refusal in intake.refused] == [1]
    assert str(intake.refused[0].error).endswith(sentence) or sentence in str(
        intake.refused[0].error
    )


def test_the_clock_of_a_device_may_be_five_minutes_ahead() -> None:
    ahead = (NOW + timedelta(minutes=5)).astimezone(timezone(timedelta(hours=7)))

    assert take(entry(at=ahead)).created == 1


def write(folder: Path, *lines: str) -> Path:
    path = folder / "punches.csv"
    path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8-sig")
    return path


def run_import(*arguments: Any) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("import_punches", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as end:
        code = int(str(end.code))
    return code, out.getvalue(), err.getvalue()


def test_a_file_is_imported_once(tmp_path: Path) -> None:
    path = write(tmp_path, "E1,2025-05-06T08:00:00+07:00,gate,in", "E2,2025-05-06T01:00:00Z,,")

    first, second = run_import(path), run_import(path)

    assert first == (0, "2 punches imported, 0 were there already, 0 lines refused.\n", "")
    assert second == (0, "0 punches imported, 2 were there already, 0 lines refused.\n", "")


def test_refused_lines_are_reported_with_their_number(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "E1,2025-05-06T08:00:00+07:00,gate,in",
        "E1,tomorrow,gate,in",
        "E1,2025-05-06T09:00:00+07:00",
        "",
        "E2,2999-01-01T00:00:00Z,gate,in",
        "E3,2025-05-06T08:00:00+07:00,gate,in",
    )

    code, out, err = run_import(path)
    assert (code, out) == (1, "2 punches imported, 0 were there already, 3 lines refused.\n")
    assert [line.partition(":")[0] for line in err.splitlines()] == ["line 3", "line 4", "line 6"]

    report = tmp_path / "refused.csv"
    _, _, err = run_import(path, "--refused", report)
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert err == ""
    assert [(row["line"], row["employee_code"]) for row in rows] == [
        ("3", "E1"),
        ("4", "E1"),
        ("6", "E2"),
    ]


def test_a_broken_quote_costs_its_own_line_at_most(tmp_path: Path) -> None:
    path = write(tmp_path, 'E1,"2025"-05,gate,in', "E2,2025-05-06T01:00:00Z,gate,in")

    code, out, _ = run_import(path)

    assert (code, out) == (1, "1 punches imported, 0 were there already, 1 lines refused.\n")


@pytest.mark.parametrize(
    "bad",
    [
        b'E1,"2025-05-06T08:00:00+07:00,gate,in',
        b'E1,2025-05-06T08:00:00+07:00,"gate,in',
        b"E1,2025-05-06T08:00:00+07:00,caf\xe9,in",
        b"\xff\xfe,2025-05-06T08:00:00+07:00,gate,in",
        b"E1,2025-05-06T08:00:00+07:00,gate\xc3",
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_costs_no_other(tmp_path: Path, bad: bytes) -> None:
    good = [b"E%d,2025-05-06T01:00:00Z,gate,in" % n for n in range(2, 5)]
    path = tmp_path / "punches.csv"
    path.write_bytes(b"\r\n".join([HEAD.encode(), good[0], bad, *good[1:]]))
    report = tmp_path / "refused.csv"

    code, out, err = run_import(path)
    again = run_import(path, "--refused", report)

    assert (code, out) == (1, "3 punches imported, 0 were there already, 1 lines refused.\n")
    assert err.startswith("line 3: ")
    assert err.count("\n") == 1
    assert again[0] == 1
    assert [row["line"] for row in csv.DictReader(report.read_text().splitlines())] == ["3"]


def test_a_refused_line_is_reported_under_the_columns_that_the_file_names(tmp_path: Path) -> None:
    path, report = tmp_path / "punches.csv", tmp_path / "refused.csv"
    path.write_text("at,employee_code\n2025-05-06T01:00:00Z,E1,more\n")

    run_import(path, "--refused", report)

    (row,) = csv.DictReader(report.read_text().splitlines())
    assert (row["employee_code"], row["at"]) == ("E1", "2025-05-06T01:00:00Z")


@pytest.mark.parametrize("place", ["missing/refused.csv", "", "punches.csv"])
def test_a_report_that_cannot_be_written_is_refused_before_the_import(
    tmp_path: Path, place: str
) -> None:
    path = write(tmp_path, "E1,2025-05-06T01:00:00Z,gate,in", "E1,tomorrow,gate,in")
    before = path.read_bytes()

    with pytest.raises(CommandError, match=r"^refused is '.*': a file that can be written"):
        call_command("import_punches", str(path), "--refused", str(tmp_path / place))

    assert PunchLog.objects.count() == 0
    assert path.read_bytes() == before


def test_instants_without_offset_need_a_zone(tmp_path: Path) -> None:
    path = write(tmp_path, "E1,2025-05-06 08:00:00,gate,in")

    assert run_import(path)[0] == 1
    assert run_import(path, "--timezone", "Asia/Jakarta")[0] == 0

    assert PunchLog.objects.get().at == datetime(2025, 5, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("code,when\n", "line 1 is 'code,when': the names of the columns, employee_code, at,"),
        ("", "line 1 is '': the names of the columns"),
        ("employee_code,at,device,device\n", "line 1 is"),
        (b"\xff\xfe", "line 1 is '\ufffd\ufffd': text in UTF-8"),
        (None, "a readable UTF-8 file"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(
    tmp_path: Path, content: str | bytes | None, sentence: str
) -> None:
    path = tmp_path / "punches.csv"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(CommandError, match=sentence):
        call_command("import_punches", str(path))


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CommandError, match="'Mars' is not a time zone, for example"):
        call_command("import_punches", "x.csv", "--timezone=Mars")


class Terminal(StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_has_no_size_and_is_imported_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = f"{HEAD}\nE1,2025-05-06T01:00:00Z,gate,in\n"
    writer = Thread(target=pipe.write_text, args=[text])
    writer.start()

    call_command("import_punches", str(pipe), stdout=StringIO(), stderr=Terminal())
    writer.join()

    assert PunchLog.objects.count() == 1


def test_a_terminal_sees_a_bar(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"E{n},2025-05-06T08:00:00+07:00,gate,in" for n in range(50)))
    err = Terminal()

    call_command("import_punches", str(path), stdout=StringIO(), stderr=err)

    assert "100 %" in err.getvalue()
    assert err.getvalue().count("\r") > 10
