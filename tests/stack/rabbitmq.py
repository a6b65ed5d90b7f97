"""A RabbitMQ server for the tests, where one is installed: with a folder and ports of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import amqp

from project.devstack.ports import free_port
from project.devstack.waiting import wait_until

# Debian's wrapper on PATH gives up its rights and so its folder; this is the server itself.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
STARTED_WITHIN = timedelta(seconds=90)


class RabbitMQ:
    """One private server; `start` and `kill` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._names = free_port()
        self._nodes = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. What was in its queues is there again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._nodes),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM], env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, what="RabbitMQ's answer", timeout=STARTED_WITHIN)

    def kill(self) -> None:
        """End the server and its helpers at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def end_names(self) -> None:
        """End Erlang's server of names, which has detached itself from the one that started it."""
        wait_until(self._names_end, what="the end of Erlang's server of names")

    def empty(self, queue: str) -> None:
        """Forget the messages of a queue."""
        with self._connection() as connection:
            connection.channel().queue_purge(queue)

    def _names_end(self) -> bool:
        """Ask it to end, which it refuses until it has noticed that its last node is gone."""
        asked = ["epmd", "-port", str(self._names), "-kill"]
        said = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=30)
        return "not allowed" not in said.stdout + said.stderr

    def _answers(self) -> bool:
        try:
            with self._connection():
                return True
        except (OSError, amqp.exceptions.AMQPError):
            return False

    def _connection(self) -> amqp.Connection:
        return amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=2)


@contextmanager
def rabbitmq(folder: Path) -> Iterator[RabbitMQ]:
    """Start a server; it ends with the block."""
    server = RabbitMQ(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.end_names()
