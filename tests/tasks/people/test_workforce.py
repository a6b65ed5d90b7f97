"""The workforce directory over gRPC, with the real server in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django_celery_results.models import TaskResult

from schedules.models import Run
from schedules.testing import execute, execute_run
from tasks.attendance.jobs import auto_create_daily_attendance
from tasks.attendance.models import Attendance
from tasks.people import workforce
from tasks.people.directory import pages_of_active_employees
from tasks.people.models import Employee
from tasks.people.workforce.client import Directory, DirectoryUnavailable, fetch_pages
from tests.tasks.people.staff import hire
from tests.tasks.people.workforce_process import ROOT, workforce_server

HALF_PAST_MIDNIGHT = datetime(2030, 5, 1, 17, 30, tzinfo=UTC)
DAY = date(2030, 5, 2)
FAULTY = "tests.tasks.people.workforce_process"
QUICK: dict[str, Any] = {"deadline": timedelta(seconds=0.3), "pause": timedelta(milliseconds=20)}


@pytest.fixture(scope="module")
def company() -> Iterator[str]:
    """Serve 2,728 people, of whom 2,501 work there; yield the address."""
    with workforce_server("--port", "0", "--employees", "2728") as target:
        yield target


def fill() -> Run:
    return execute(auto_create_daily_attendance, scheduled_at=HALF_PAST_MIDNIGHT)


def test_pages_hold_a_thousand_at_most_and_everyone_once(company: str) -> None:
    pages = list(fetch_pages(Directory(target=company)))

    codes = [entry.code for page in pages for entry in page]
    assert [len(page) for page in pages] == [1000, 1000, 501]
    assert codes == sorted(set(codes))
    assert (pages[0][0].name, pages[0][0].timezone) == ("Budi Lestari", "Asia/Jakarta")


@pytest.mark.django_db
def test_the_day_is_filled_for_all_whom_the_service_names(company: str, settings: Any) -> None:
    settings.WORKFORCE_GRPC_TARGET = company
    stranger, known = hire(2)
    Employee.objects.filter(pk=known.pk).update(code="E0001", name="As Entered", is_active=False)

    first, second = fill(), fill()

    assert first.summary.endswith("Total: 2501, Created: 2501, Skipped: 0, Errors: 0")
    assert second.summary.endswith("Total: 2501, Created: 0, Skipped: 2501, Errors: 0")
    assert Employee.objects.count() == 2502
    assert Employee.objects.get(code="E0001").name == "As Entered"
    assert not Attendance.objects.filter(employee=stranger).exists()


@pytest.mark.django_db
def test_a_server_that_dies_costs_its_page_and_the_retry_completes_the_day(settings: Any) -> None:
    with workforce_server("dies", "0", "2728", module=FAULTY) as target:
        settings.WORKFORCE_GRPC_TARGET = target
        broken = fill()

    assert broken.state == "retrying"
    assert Attendance.objects.count() == 1000
    assert "gave no page 2: UNAVAILABLE, " in broken.error
    assert broken.error.endswith(
        " 1000 rows were made for the 1000 people before; the rest have none yet."
    )
    with workforce_server("--port", target.rpartition(":")[2], "--employees", "2728"):
        Run.objects.filter(pk=broken.pk).update(due_at=F("created_at"))  # its pause is over
        whole = execute_run(broken)

    assert whole.state == "succeeded"
    assert whole.summary.endswith("Total: 2501, Created: 2501, Skipped: 0, Errors: 0")
    assert Attendance.objects.filter(date=DAY).count() == 2501


def test_a_slow_page_is_given_up_after_its_deadline_and_some_tries() -> None:
    with workforce_server("slow", "0", "30", module=FAULTY) as target:
        pages = fetch_pages(Directory(target=target, tries=2, **QUICK), per_page=20)

        assert len(next(pages)) == 20
        with pytest.raises(
            DirectoryUnavailable, match=r"no page 2: DEADLINE_EXCEEDED, .* \(tried 2 times\)\.$"
        ):
            next(pages)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("long", "gave no page 1: it holds 40 people, 20 were asked for."),
        ("endless", "gave no page 2: it leads back to the token 'E0001'."),
        ("empty", "gave no page 100: it and the 99 before name nobody new, and it leads on."),
        ("same", "gave no page 101: it and the 99 before name nobody new, and it leads on."),
        ("flood", "gave no page 201: 200 is the most that is asked for."),
    ],
)
def test_a_page_that_cannot_be_is_refused(
    fault: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.people.workforce.client.MOST_PAGES", 200)
    with (
        workforce_server(fault, "0", "30", module=FAULTY) as target,
        pytest.raises(DirectoryUnavailable) as refusal,
    ):
        list(fetch_pages(Directory(target=target), per_page=20))

    assert str(refusal.value) == f"The workforce directory at {target} {reason}"


@pytest.mark.django_db
def test_wrong_entries_are_named_and_cost_nobody_else_a_row(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with workforce_server("wrong", "0", "10", module=FAULTY) as target:
        settings.WORKFORCE_GRPC_TARGET = target
        run = fill()

    assert run.state == "failed"
    assert run.summary.endswith("Total: 19, Created: 10, Skipped: 0, Errors: 9")
    assert Employee.objects.count() == Attendance.objects.count() == 10
    named = [getattr(line, "code", "") for line in caplog.records if line.msg == "unknown employee"]
    assert named[0] == "(no code)"
    assert named[2:] == [
        "E9999",
        r"'E9\x0098'",
        "E9997",
        "E9996",
        "E9995",
        "' E9994'",
        r"'E9993\xa0'",
    ]
    result = json.loads(TaskResult.objects.get(task_id=str(run.task_id)).result)
    data = result["exc_message"][1]["data"]
    assert data["errors"] == len(data["refused"]) == 9
    assert data["refused"][0] == {"code": "(no code)", "reason": "This field cannot be blank."}
    assert data["refused"][-1]["reason"] == r"code is 'E9993\xa0': no blanks around it."
    refusals = [line for line in run.log.splitlines() if "directory_entry_refused" in line]
    assert "code=(no code)" in refusals[0]
    assert len(refusals) == 9
    assert "unknown employee action=unknown_employee code=E9999" in run.log


def test_nobody_listening_is_told_with_the_address() -> None:
    directory = Directory(target="127.0.0.1:1", tries=3, **QUICK)

    with pytest.raises(
        DirectoryUnavailable, match=r"at 127.0.0.1:1 gave no page 1: UNAVAILABLE.*tried 3 times"
    ):
        list(fetch_pages(directory))


def test_a_token_is_asked_for_and_given() -> None:
    with workforce_server("--port", "0", WORKFORCE_GRPC_TOKEN="open sesame") as target:
        welcome = Directory(target=target, token="open sesame")
        assert len(next(fetch_pages(welcome))) == 23
        for token in ("", "guess"):
            with pytest.raises(DirectoryUnavailable, match="UNAUTHENTICATED, the bearer token"):
                list(fetch_pages(Directory(target=target, token=token)))
    assert "sesame" not in repr(welcome)


def test_a_server_with_a_certificate_is_believed_by_whoever_trusts_it(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(["openssl", *make.split(), *names, *files], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    paths = ("--certificate", str(certificate), "--key", str(key))

    with workforce_server("--host", "localhost", "--port", "0", *paths) as target:
        trusting = Directory(target=target, tls=True, ca=certificate.read_bytes())
        assert len(next(fetch_pages(trusting))) == 23
        with pytest.raises(DirectoryUnavailable):
            list(fetch_pages(Directory(target=target, tls=True, tries=1, **QUICK)))
        with pytest.raises(DirectoryUnavailable):
            list(fetch_pages(Directory(target=target, tries=1, **QUICK)))


@pytest.mark.django_db
def test_without_a_target_it_is_the_local_table(settings: Any) -> None:
    settings.WORKFORCE_GRPC_TARGET = ""
    (one,) = hire(1)

    assert [page.employee_ids for page in pages_of_active_employees()] == [[one.pk]]


def test_the_generated_code_is_that_of_the_protocol(tmp_path: Path) -> None:
    protocol = "tasks/people/workforce/workforce.proto"
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]

    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, protocol],
        cwd=ROOT,
        check=True,
    )

    folder = Path(workforce.__file__).parent
    fresh = {path.name: path.read_text() for path in (tmp_path / protocol).parent.iterdir()}
    assert len(fresh) == 3
    assert fresh == {name: (folder / name).read_text() for name in fresh}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--employees", "many"], "'many' is not a whole number from 0 to 1000000."),
        (["--certificate", "x"], "give --certificate and --key, or neither"),
        (["--host", "203.0.113.1"], "workforce: cannot serve at 203.0.113.1:50051"),
    ],
)
def test_the_server_refuses_in_one_line(arguments: list[str], line: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tasks.people.workforce", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ended.returncode in (1, 2)
    assert line in ended.stderr.splitlines()[-1]
