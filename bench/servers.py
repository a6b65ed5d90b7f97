"""What every measurement stands on: a durable PostgreSQL, a Valkey, databases with all tables.

Everything is in one temporary directory, on loopback or a socket, and gone afterwards.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from bench.environments import our_python
from bench.programs import ROOT, Program, ProgramFailed, run
from bench.work import say
from project.devstack.broker import embedded_broker
from project.devstack.postgres import Postgres
from project.devstack.waiting import wait_until

QUEUES = ["celery", *(f"celery\x06\x16{step}" for step in (3, 6, 9))]
"""The lists in which a Redis transport keeps the messages of the default queue, by priority."""

LOOK_AGAIN = 0.01
"""Seconds between two looks at the queues' lengths."""

CELERY = [sys.executable, "-m", "celery", "-A", "project"]


class Servers:
    """Runs from entering to leaving. `database` is where ours keeps its rows, `cache` the folder of
    the environments.
    """

    def __init__(self, *, database: str = "postgres", cache: Path = ROOT / "var" / "bench") -> None:
        self.database = database
        self._cache = cache
        self._made = 0
        self.migrated: dict[str, str] = {}
        """Names of databases with a peer's tables, to be copied, by the settings of the peer."""
        self._end = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end.close()
            raise
        return self

    def _start(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="downbeat-bench-")
        self.folder = Path(self._end.enter_context(folder))
        broker = embedded_broker(self.folder / "valkey")
        self.broker_url = broker.url
        self._end.enter_context(self.program("valkey", broker.command))
        wait_until(lambda: asyncio.run(broker.is_ready()), what="the broker's answer")
        self.redis = self._end.enter_context(redis.Redis.from_url(broker.url))
        self._template = self._prepared()
        self._set_up_django()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.close()

    @cached_property
    def postgres(self) -> Postgres:
        """The PostgreSQL, started when it is first asked for. Raises NoPostgres."""
        return self._end.enter_context(Postgres(durable=True))

    @cached_property
    def beats_python(self) -> Path:
        """The Python that our Beats run with, made when it is first asked for, and what it imports
        of ours compiled, as in the image.
        """
        python = our_python(self._cache, tell=say)
        words = [str(python), "-m", "compileall", "-q", "project", "schedules", "tasks"]
        run(words, environment=os.environ, fine=(0, 1))  # of a folder that cannot be written to
        return python

    def environment(self, database_url: str, **more: str) -> dict[str, str]:
        """Return the variables for a program of ours on this database."""
        return {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "BROKER_URL": self.broker_url,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "bench.ours.settings",
            "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            "LOG_LEVEL": "WARNING",
            "SCHEDULER_RECOVERY_DELAY_SECONDS": "3600",
            "PYTHONWARNINGS": "ignore",
            **more,
        }

    def program(
        self, name: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Program:
        """Return a program to enter; its log is in the temporary directory."""
        self._made += 1
        log = self.folder / f"{self._made}-{name}.log"
        return Program(command, environment=environment or dict(os.environ), log=log)

    def beat(self, database_url: str, **variables: str) -> Program:
        """Return a Beat of ours, started as `./run up` and the containers start it."""
        command = [str(self.beats_python), "-m", "project.beat", "--loglevel", "WARNING"]
        return self.program("beat", command, self.environment(database_url, **variables))

    def worker(self, database_url: str, **variables: str) -> Program:
        """Return a worker of ours with two processes."""
        command = [*CELERY, "worker", "--without-gossip", "--without-mingle", "-c", "2"]
        command += ["-l", "WARNING"]
        return self.program("worker", command, self.environment(database_url, **variables))

    @contextmanager
    def ours(self) -> Iterator[str]:
        """Yield the address of a new database of ours with all tables; it is dropped afterwards."""
        self._made += 1
        if self.database == "sqlite":
            path = self.folder / f"ours{self._made}.sqlite3"
            shutil.copy(self.folder / "template.sqlite3", path)
            url = f"sqlite:///{path}"
        else:
            url = self.postgres.create_database(f"ours{self._made}", like="template")
        try:
            yield url
        finally:
            self._drop(url)

    @contextmanager
    def empty(self, *, like: str = "template1") -> Iterator[str]:
        """Yield the address of an empty PostgreSQL database, or of a copy of the one named `like`;
        it is dropped afterwards.
        """
        self._made += 1
        url = self.postgres.create_database(f"peer{self._made}", like=like)
        try:
            yield url
        finally:
            self._drop(url)

    def fresh_file(self, name: str) -> Path:
        """Return a path in the temporary directory at which there is nothing yet."""
        self._made += 1
        return self.folder / f"{self._made}.{name}"

    def queued(self) -> int:
        """Return how many messages wait in the broker."""
        pipe: Any = self.redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipe.llen(queue)
        return sum(pipe.execute())

    def message_ids(self) -> set[str]:
        """Return the task ids of the messages that wait in the broker."""
        pipe: Any = self.redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipe.lrange(queue, 0, -1)
        return {
            json.loads(message)["headers"]["id"] for queue in pipe.execute() for message in queue
        }

    def wait_for_message(self, *programs: Program, patience: float = 600) -> float:
        """Take the first message from the broker and return when it was there (`time.time()`).

        Raises ProgramFailed when one of the programs has ended, or nothing comes in `patience`
        seconds.
        """
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            if self.redis.blpop(QUEUES, timeout=1):
                return time.time()
            for program in programs:
                program.check()
        raise ProgramFailed(f"no message within {patience:g} s from {programs[0]}")

    def wait_for_messages(self, count: int, *programs: Program, patience: float = 600) -> float:
        """Return when that many messages wait. Raises ProgramFailed as above."""
        give_up = time.monotonic() + patience
        while (queued := self.queued()) < count:
            for program in programs:
                program.check()
            if time.monotonic() > give_up:
                raise ProgramFailed(f"{queued} of {count} messages within {patience:g} s")
            time.sleep(LOOK_AGAIN)
        return time.time()

    def _drop(self, url: str) -> None:
        name = url.rpartition("/")[2]
        if url.startswith("sqlite"):
            for path in self.folder.glob(f"{name}*"):
                path.unlink()
        else:
            with contextlib.suppress(OSError):
                self.postgres.drop_database(name)

    def _prepared(self) -> str:
        """Make a database with all tables and declared jobs, to be copied; return its address."""
        if self.database == "sqlite":
            url = f"sqlite:///{self.folder / 'template.sqlite3'}"
        else:
            url = self.postgres.create_database("template")
        environment = self.environment(url)
        run([sys.executable, "-m", "project.devstack.prepare"], environment=environment)
        return url

    def _set_up_django(self) -> None:
        """Make this process a client of ours: its settings are read from here on."""
        os.environ.update(self.environment(self._template))
        import django

        django.setup()
        import project.celery

        project.celery.app.loader.import_default_modules()
