"""A second log that the database knows nothing of: one line in a file for each executed body.

Loaded into the workers of a load run. A log that lies is caught by comparing the two.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schedules.public import CurrentRun, current_run, job
from tasks.meetings.jobs import end_meeting

WITNESS_FILE = "LOAD_WITNESS_FILE"
"""Environment variable with the path of the file."""


def witnessed(body: Callable[..., Any]) -> Callable[..., Any]:
    """Return `body` with a line appended for each time it is entered."""
    path = Path(os.environ[WITNESS_FILE])

    def write_and_run(*args: Any, **kwargs: Any) -> Any:
        run = current_run()
        assert run is not None
        line = f"{run.task_id} {run.attempt} {datetime.now(UTC).isoformat()}\n"
        # One write to a file opened for appending: lines of several processes never mix.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        return body(*args, **kwargs)

    return write_and_run


@job(idempotent=True)
def occupy(seconds: float, *, run: CurrentRun) -> dict[str, Any]:
    """Work for a while in short fenced batches, as a long job of the product does."""
    batches = round(seconds * 4)
    for number in range(batches):
        time.sleep(0.25)  # the gathering: outside of any transaction
        with run.fenced():
            run.row.save(update_fields=["priority"])  # any write
        run.progress(number + 1, batches)
    return {"message": f"worked in {batches} batches"}


if WITNESS_FILE in os.environ:
    end_meeting.run = witnessed(end_meeting.run)
