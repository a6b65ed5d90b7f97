"""The plain system's processes under the same supervisor as the product's.

`python -m chaos.plain.up` runs one Beat, since two would send everything twice, and two workers. It
writes the same note into DATA_DIR as `./run up`.
"""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from project.devstack.guard import Guard
from project.devstack.output import Output
from project.devstack.processes import Process, end_with_parent
from project.devstack.supervisor import StartFailed, Supervisor
from project.running import remove_note, write_note

CELERY = [sys.executable, "-m", "celery", "-A", "chaos.plain"]
NEVER_GIVE_UP = 1_000_000
WORKER_GRACE = timedelta(seconds=60)


def processes(concurrency: int) -> list[Process]:
    """Return one Beat and two workers, named as the product's are."""
    beat = Process(
        name="beat",
        command=[*CELERY, "beat", "--loglevel", "INFO", "--pidfile="],
        ready_line="beat: Starting",
    )
    options = ["--without-gossip", "--without-mingle", "-c", str(concurrency), "-l", "INFO"]
    workers = [
        Process(
            name=name,
            command=[*CELERY, "worker", "--hostname", f"{name}@%h", *options],
            environment={"PYTHONWARNINGS": "ignore"},
            ready_line=" ready.",
            grace=WORKER_GRACE,
        )
        for name in ("worker", "worker2")
    ]
    return [beat, *workers]


async def up(data_dir: Path, concurrency: int) -> int:
    """Run the processes until asked to stop; return the exit code."""
    output, guard = Output(), Guard()
    note: dict[str, Any] = {"supervisor": os.getpid(), "ready": False, "pids": {}}

    def on_change(pids: dict[str, int]) -> None:
        note["pids"] = pids
        write_note(data_dir, note)

    supervisor = Supervisor(
        say=output.say, guard=guard, on_change=on_change, crash_limit=NEVER_GIVE_UP
    )
    supervisor.listen_to_signals()
    try:
        await supervisor.start(processes(concurrency))
        note["ready"] = True
        write_note(data_dir, note)
    except StartFailed as error:
        output.say("up", str(error))
        supervisor.stop(exit_code=error.code)
    code = await supervisor.until_stopped()
    guard.close()
    remove_note(data_dir)
    return code


def main() -> int:
    """Run until stopped, or until the process that started this one is gone."""
    end_with_parent()
    return asyncio.run(up(Path(os.environ["DATA_DIR"]), int(sys.argv[1])))


if __name__ == "__main__":
    sys.exit(main())
