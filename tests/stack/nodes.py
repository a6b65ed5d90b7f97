"""pytest-celery's containers and nodes, backed by processes of this machine instead of Docker's."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import celery
from pytest_celery import (
    CeleryTestBroker,
    CeleryTestContainer,
    CeleryTestNode,
    CeleryTestSetup,
    CeleryTestWorker,
)

from project.celery import app
from project.devstack.processes import Process
from project.devstack.waiting import WaitedTooLong, wait_until
from project.settings import BASE_DIR
from tests.stack import stack_jobs

READY_WITHIN = timedelta(seconds=60)
ENDED_WITHIN = timedelta(seconds=90)
"""A child that was asked to end just after a task waits up to 30 seconds for its parent."""

TORN_DOWN_WITHIN = timedelta(seconds=10)

# The import of pytest_celery has made an app of its own, which is now the current one.
app.set_current()


class ProcessContainer(CeleryTestContainer):  # type: ignore[misc]
    """One process, with what pytest-celery asks of a container. Started at once.

    It leads a session of its own. `url` is the broker's address, where the process is the broker.
    """

    def __init__(
        self, process: Process, *, folder: Path, environment: Mapping[str, str], url: str = ""
    ) -> None:
        self.process = process
        self.url = url
        self.path = folder / f"{process.name}.log"
        self.environment = {**os.environ, **environment, **process.environment}
        self.began_at = 0
        """Bytes of the log that belong to earlier starts."""
        self.start()

    def start(self) -> None:
        """Start the process without waiting for it."""
        self.began_at = self.path.stat().st_size if self.path.exists() else 0
        with self.path.open("ab") as log:
            self.running = subprocess.Popen(
                self.process.command,
                cwd=BASE_DIR,
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The leader's process id."""
        return self.running.pid

    @property
    def children(self) -> list[int]:
        """The process ids of what the leader started: a worker's pool."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(child) for child in listed.split()]

    @property
    def id(self) -> str:
        """What pytest-celery makes the host name from."""
        return str(self.pid)

    @property
    def name(self) -> str:
        """The name by which failures are reported."""
        return self.process.name

    @property
    def status(self) -> str:
        """`running` or `exited`."""
        return "running" if self.running.poll() is None else "exited"

    @property
    def ready_prompt(self) -> str:
        """The text in the log that says it is ready."""
        return self.process.ready_line

    @property
    def celeryconfig(self) -> dict[str, str]:
        """What a Celery app has to know to reach it."""
        return {"url": self.url, "host_url": self.url}

    def logs(self) -> str:
        """All that it has written, over all its starts."""
        return self.path.read_text(errors="replace")

    def recent_logs(self) -> str:
        """What it has written since its last start."""
        return self.path.read_bytes()[self.began_at :].decode(errors="replace")

    def reload(self) -> None:
        """Look whether it still runs."""
        self.running.poll()

    def ready(self) -> bool:
        """Wait until its log says that it is ready; raises WaitedTooLong."""

        def is_ready() -> bool:
            if self.status == "exited":
                raise WaitedTooLong(f"{self.name} ended instead:\n{self.tail()}")
            return self.ready_prompt in self.recent_logs()

        wait_until(is_ready, what=f"the start of {self.name}", timeout=READY_WITHIN)
        return True

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Send a signal to the leader and wait for its end. Children are left to notice."""
        self.running.send_signal(_number(signal))
        self.wait()

    def wait(self, timeout: timedelta = ENDED_WITHIN) -> int:
        """Wait for the leader's end, end what it left behind, and return its exit code."""
        code = self.running.wait(timeout.total_seconds())
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return code

    def restart(self, timeout: float = 60) -> None:
        """Ask it to end if it runs, start it again, and wait until it is ready."""
        if self.status == "running":
            self.kill("SIGTERM")
        self.start()
        self.ready()

    def teardown(self) -> None:
        """Ask it to end, and kill what does not."""
        if self.status == "running":
            self.running.terminate()
        try:
            self.wait(TORN_DOWN_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.running.wait()

    def tail(self, lines: int = 30) -> str:
        """The last lines of the log."""
        return "\n".join(self.logs().splitlines()[-lines:])


class WorkerContainer(ProcessContainer):
    """A worker, with what pytest-celery asks of one."""

    @classmethod
    def version(cls) -> str:
        """Celery's version."""
        return str(celery.__version__)

    @classmethod
    def log_level(cls) -> str:
        """What it logs."""
        return "INFO"

    @classmethod
    def worker_name(cls) -> str:
        """The part of its name before the host's."""
        return "worker"

    @classmethod
    def worker_queue(cls) -> str:
        """The queue it reads."""
        return "celery"


class _Pids:
    """What tests ask of a node that is a process."""

    container: Any

    @property
    def pid(self) -> int:
        """The leader's process id."""
        return int(self.container.pid)

    def start_again(self) -> None:
        """Start it again after its end, and wait until it is ready."""
        self.container.start()
        self.container.ready()


class BrokerNode(_Pids, CeleryTestBroker):  # type: ignore[misc]
    """The broker's process."""


class BeatNode(_Pids, CeleryTestNode):  # type: ignore[misc]
    """A Beat, of which pytest-celery knows nothing."""


class WorkerNode(_Pids, CeleryTestWorker):  # type: ignore[misc]
    """A worker and its pool."""

    @property
    def children(self) -> list[int]:
        """The process ids of its pool."""
        return list(self.container.children)


class Setup(CeleryTestSetup):  # type: ignore[misc]
    """pytest-celery's view of the whole."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Its own task of that name is in a module that a worker would need seconds to import.
        self.ping = stack_jobs.ping


def _number(name: str | int) -> int:
    return name if isinstance(name, int) else getattr(signal, name)
