"""The database server and the broker of a chaos run, and all that can be done to them.

Whatever is started here ends with the thread that started it: use one thread for all of it.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import redis

from project.devstack.broker import Broker, embedded_broker
from project.devstack.postgres import NoPostgres, Postgres
from project.devstack.processes import end_with_parent
from project.devstack.waiting import wait_until

RECOVERS_WITHIN = 30.0
"""Seconds that the database may take to start after a crash."""


_DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_HELD = {
    "django_celery_beat_periodictask": "TRUE",
    "schedules_job": "TRUE",
    "schedules_run": "finished_at IS NULL",
}
"""Whose rows a client holds, and which of them."""

# Nobody waits for the others' end here: what somebody else holds, this client has not written to.
_HOLD = "SELECT 1 FROM {table} WHERE id %% 2 = %s AND {of} FOR NO KEY UPDATE SKIP LOCKED"


class DatabaseServer(Postgres):
    """A durable PostgreSQL that crashes and comes back with its data."""

    def __init__(self) -> None:
        super().__init__(durable=True)
        self._programs: Path | None = None

    @property
    def socket(self) -> Path:
        """Return the path of the Unix socket on which it answers."""
        return self.scratch / ".s.PGSQL.5432"

    def usable_programs(self) -> Path:
        """Return the directory of the server's programs, found once for all starts."""
        if self._programs is None:
            self._programs = super().usable_programs()
        return self._programs

    def crash(self, number: signal.Signals) -> None:
        """End the postmaster with a signal: SIGQUIT is its "immediate" stop, SIGKILL a crash."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    def kill_backend(self, pick: int) -> bool:
        """Kill one connection's process with SIGKILL, at which the server starts itself again.

        Raises OSError while it does not answer.
        """
        query = (
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid() AND datname NOT IN ('postgres') ORDER BY pid"
        )
        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                pids = [pid for (pid,) in connection.execute(query)]
        except psycopg.Error as error:
            raise OSError(str(error)) from error
        if not pids:
            return False
        os.kill(pids[pick % len(pids)], signal.SIGKILL)
        return True

    def hold_rows(self, pick: int) -> Callable[[], None]:
        """Hold every second row that people edit or workers take, as a client does that has written
        to them and has not committed yet; return what lets go of them.

        Raises OSError while it does not answer.
        """
        held = ExitStack()
        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                names = [name for (name,) in connection.execute(_DATABASES)]
            for name in names:
                client = psycopg.connect(self.url(name))
                held.callback(client.close)
                tables = {table for (table,) in client.execute(_TABLES)}
                for table in _HELD.keys() & tables:
                    client.execute(_HOLD.format(table=table, of=_HELD[table]), [pick % 2])
        except psycopg.Error as error:
            held.close()
            raise OSError(str(error)) from error
        return held.close

    def start_again(self) -> None:
        """Start after a crash; raises NoPostgres when it does not come back."""
        deadline = time.monotonic() + RECOVERS_WITHIN
        while True:
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
            try:
                self.start()
            except NoPostgres:
                # Backends that outlive their postmaster hold its memory for a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def wait_recovered(self) -> None:
        """Return once it takes connections; raises NoPostgres."""
        self.wait_ready()


class BrokerServer:
    """The embedded broker, which can be killed and emptied. Runs from entering to leaving."""

    def __init__(self, folder: Path) -> None:
        self.server: Broker = embedded_broker(folder)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, unless it runs, and return when it answers."""
        if self.process is not None and self.process.poll() is None:
            return
        self.process = subprocess.Popen(
            self.server.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(end_with_parent, signal.SIGKILL),
        )
        wait_until(
            lambda: asyncio.run(self.server.is_ready()),
            what="the broker's answer",
            timeout=timedelta(seconds=RECOVERS_WITHIN),
        )

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def forget(self) -> None:
        """Empty it, as the loss of its memory does. Raises OSError while it does not answer."""
        try:
            with redis.Redis.from_url(self.server.url) as client:
                client.flushall()
        except redis.RedisError as error:
            raise OSError(str(error)) from error

    def url_at(self, port: int, *, database: int = 0) -> str:
        """Return its address as REDIS_URL when it is reached through another port."""
        return f"redis://:{self.server.password}@127.0.0.1:{port}/{database}"
