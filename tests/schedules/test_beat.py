"""Beat's own loop."""

import pytest
from celery import current_app

from schedules.beat import Scheduler


def test_a_beat_that_was_told_to_end_ends_with_its_next_tick() -> None:
    scheduler = Scheduler(app=current_app, lazy=True)
    scheduler.close()  # what Celery's signal handler calls before it raises

    with pytest.raises(SystemExit):
        scheduler.tick()
