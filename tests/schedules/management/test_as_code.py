"""`scheduler export`, `plan` and `apply`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schedules.models import AuditEntry, Job
from schedules.operations.install import install_declared
from schedules.querysets.clock import database_now
from tests.schedules.management.conftest import Answer

pytestmark = pytest.mark.django_db
Scheduler = Callable[..., Answer]


def test_what_is_exported_changed_and_applied_is_in_force(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    install_declared(now=database_now())
    file = tmp_path / "jobs.yaml"
    file.write_text(scheduler("export").out, encoding="utf-8")
    assert scheduler("plan", "-f", str(file)).code == 0

    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("30 0 * * *", "45 0 * * *"), encoding="utf-8")
    planned = scheduler("plan", "-f", str(file))
    applied = scheduler("apply", "-f", str(file), "--reason", "later", "--json")

    assert planned.code == 2
    assert "~ daily: changed" in planned.out
    assert re.search(r" 0 occurrences added, 0 removed, 3[01] moved: ", planned.out)
    assert applied.code == 0
    assert applied.document["pending"] >= 1
    timetable: Any = Job.objects.get(key="daily").timetable
    assert timetable["expression"] == "45 0 * * *"
    assert AuditEntry.objects.get().reason == "later"
    assert scheduler("plan", "-f", str(file)).code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\njobs: [", "line 3: "),
        (None, "a file that can be read (No such file or directory)"),
    ],
)
def test_a_wrong_file_is_one_line_and_1_since_2_is_pending(
    scheduler: Scheduler, tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "jobs.yaml"
    if text is not None:
        file.write_text(text)

    planned, applied = (scheduler(verb, "-f", str(file)) for verb in ("plan", "apply"))

    assert (planned.code, applied.code) == (1, 2)
    assert words in planned.err
    assert planned.err == applied.err
    assert planned.err.count("\n") == 1
