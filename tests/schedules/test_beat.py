"""Beat's own loop."""

from typing import Any

import pytest
from celery import current_app
from celery.fixups import django as fixup

from schedules.beat import Scheduler


def test_a_beat_that_was_told_to_end_ends_with_its_next_tick() -> None:
    scheduler = Scheduler(app=current_app, lazy=True)
    scheduler.close()  # what Celery's signal handler calls before it raises

    with pytest.raises(SystemExit):
        scheduler.tick()


def test_beats_and_workers_do_not_make_checks_that_import_the_web_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def import_all(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("django.core.checks.run_checks", import_all)

    worker: Any = fixup.DjangoFixup(current_app).worker_fixup
    worker.validate_models()  # as Celery does before it imports the tasks
