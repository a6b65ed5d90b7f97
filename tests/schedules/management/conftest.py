"""Running the command in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from schedules.health import broker_probe


@dataclass(frozen=True, slots=True)
class Answer:
    """What the command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def scheduler() -> Callable[..., Answer]:
    """Run `manage.py scheduler` with the given words."""
    broker_probe.forget()

    def run(*words: str) -> Answer:
        out, err = StringIO(), StringIO()
        code = 0
        try:
            call_command("scheduler", *words, stdout=out, stderr=err)
        except SystemExit as end:
            code = int(end.code or 0)
        return Answer(code, out.getvalue(), err.getvalue())

    return run
