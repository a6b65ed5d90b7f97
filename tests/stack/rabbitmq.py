"""A RabbitMQ server for the tests, where one is installed: with a folder and ports of its own."""

import subprocess
from pathlib import Path

import amqp

from project.devstack.ports import free_port
from project.devstack.processes import Process
from project.devstack.waiting import wait_until

# Debian's wrapper on PATH gives up its rights and so its folder; this is the server itself.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
QUEUE = "celery"


class RabbitMQ:
    """One private server. What was in its queues is there again after a kill and a start."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._port, self._names = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        self.process = Process(
            name="broker",
            command=[str(PROGRAM)],
            environment={
                "HOME": str(folder),
                "RABBITMQ_NODENAME": f"tests{self._port}@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(self._port),
                "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": str(folder / "data"),
                "RABBITMQ_LOG_BASE": str(folder / "log"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
                "ERL_EPMD_PORT": str(self._names),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
            },
        )

    def answers(self) -> bool:
        """Whether it lets us in."""
        try:
            with self._connection():
                return True
        except (OSError, amqp.exceptions.AMQPError):
            return False

    def forget(self) -> None:
        """Empty the workers' queue."""
        with self._connection() as connection:
            connection.channel().queue_purge(QUEUE)

    def put(self, item: bytes) -> None:
        """Publish a message that has no properties."""
        with self._connection() as connection:
            connection.channel().basic_publish(amqp.Message(item), routing_key=QUEUE)

    def tidy(self) -> None:
        """End Erlang's server of names, which has detached itself from the one that started it."""
        wait_until(self._names_end, what="the end of Erlang's server of names")

    def _names_end(self) -> bool:
        """Ask it to end, which it refuses until it has noticed that its last node is gone."""
        asked = ["epmd", "-port", str(self._names), "-kill"]
        said = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=30)
        return "not allowed" not in said.stdout + said.stderr

    def _connection(self) -> amqp.Connection:
        return amqp.Connection(f"127.0.0.1:{self._port}", connect_timeout=2)
