"""A whole system of processes for the tests, and this process as its client."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from celery import current_app

from project.devstack.client import connected_to
from project.devstack.processes import Process
from project.devstack.stack import NOT_INHERITED
from project.devstack.up import Plan, beats, workers
from project.devstack.waiting import wait_until
from project.settings import BASE_DIR
from tests.broker import speaking_to
from tests.stack.nodes import (
    BeatNode,
    BrokerNode,
    ProcessContainer,
    WorkerContainer,
    WorkerNode,
)
from tests.stack.servers import Server, Valkey
from tests.stack.stack_jobs import FOLDER

BROKER_ANSWERS_WITHIN = timedelta(seconds=90)
"""Erlang takes its time."""


class System:
    """The parts of one system, which tests start, kill and start again.

    `folder` holds its data, its logs, and in `shared` the files by which jobs and tests talk.
    Without `database_url` its database is SQLite in that folder; without `server` its broker is the
    embedded one. With a `broker_url` that broker is somebody else's, who starts and stops it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None,
        server: Server | None = None,
        broker_url: str | None = None,
    ) -> None:
        self.folder = folder
        self.shared = folder / "shared"
        self.shared.mkdir(parents=True)
        self.server = server or Valkey(folder / "valkey")
        self.broker_url = broker_url or self.server.url
        inherited = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
        self.environment = {
            **inherited,
            "DATA_DIR": str(folder),
            "BROKER_URL": self.broker_url,
            "DJANGO_SETTINGS_MODULE": "tests.stack.stack_settings",
            "SCHEDULER_RECOVERY_DELAY_SECONDS": "3600",
            FOLDER: str(self.shared),
        }
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self.database_url = database_url or f"sqlite:///{folder / 'downbeat.sqlite3'}"
        self.containers: list[ProcessContainer] = []

    def prepare(self) -> None:
        """Migrate and install the declared jobs. Raises AssertionError with what was said."""
        done = self.run("-m", "project.devstack.prepare")
        assert done.returncode == 0, done.stdout + done.stderr

    def start_broker(self) -> BrokerNode:
        """Start the broker and wait until it answers."""
        container = self._start(ProcessContainer, self.server.process, url=self.server.url)
        self.wait_for_broker()
        return BrokerNode(container, current_app)

    def wait_for_broker(self) -> None:
        """Return once the broker answers."""
        wait_until(self.server.answers, what="the broker's answer", timeout=BROKER_ANSWERS_WITHIN)

    def start_beat(self, name: str = "beat") -> BeatNode:
        """Start a Beat without waiting for it."""
        [process] = beats(_plan("beat"))
        return BeatNode(self._start(ProcessContainer, _renamed(process, name)), current_app)

    def start_worker(
        self,
        name: str = "worker",
        *,
        concurrency: int = 2,
        queue: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> WorkerNode:
        """Start a worker without waiting for it; on request one that reads another `queue` alone,
        and with `variables` of its own.
        """
        [process] = workers(_plan("worker", concurrency=concurrency))
        process = replace(
            _renamed(process, name), environment={**process.environment, **(variables or {})}
        )
        if queue:
            process = replace(process, command=[*process.command, "-Q", queue])
        return WorkerNode(self._start(WorkerContainer, process), current_app)

    def stop(self) -> None:
        """End everything, the broker last."""
        for container in reversed(self.containers):
            container.teardown()
        self.server.tidy()

    def run(
        self,
        *command: str,
        timeout: timedelta = timedelta(seconds=60),
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python command line such as `manage.py scheduler status` against this system."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=BASE_DIR,
            env={**self.environment, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout.total_seconds(),
        )

    @contextmanager
    def as_client(self) -> Iterator[None]:
        """Let this process's models and its Celery app speak to this system."""
        with connected_to(self.database_url), speaking_to(self.broker_url):
            yield

    # The files by which jobs and tests talk.

    def lines(self, file: str) -> list[str]:
        """The lines that jobs have appended to a file."""
        path = self.shared / file
        return path.read_text().splitlines() if path.exists() else []

    def started(self, name: str, *, times: int = 1) -> int:
        """Wait until the holding job `name` has begun so many times; return its process id."""
        wait_until(
            lambda: len(self.lines(f"{name}.started")) >= times,
            what=f"the start of {name}",
            timeout=timedelta(seconds=60),
        )
        return int(self.lines(f"{name}.started")[-1])

    def release(self, name: str) -> None:
        """Let the holding job `name` go on, now and whenever it is executed again."""
        (self.shared / f"{name}.release").touch()

    def _start(
        self, kind: type[ProcessContainer], process: Process, *, url: str = ""
    ) -> ProcessContainer:
        container = kind(process, folder=self.folder, environment=self.environment, url=url)
        self.containers.append(container)
        return container


def _plan(*parts: str, concurrency: int = 2) -> Plan:
    return Plan(
        host="127.0.0.1",
        port=0,
        flower_port=0,
        demo=False,
        parts=frozenset(parts),
        beats=1,
        workers=1,
        concurrency=concurrency,
        crash_limit=0,
    )


def _renamed(process: Process, name: str) -> Process:
    command = [f"{name}@%h" if word == f"{process.name}@%h" else word for word in process.command]
    return replace(process, name=name, command=command)
