"""The whole that a chaos run starts: servers, proxies before them, and the product behind those."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from chaos.books import Books
from chaos.clock import HostClock, NoClock
from chaos.plants import PLANT, PLANTS
from chaos.proxy import Proxy
from chaos.servers import BrokerServer, DatabaseServer
from chaos.tables import effect_tables, history, only_jobs
from chaos.witness import WITNESS_FILE
from chaos.workload import SAMPLES
from project.devstack.processes import end_with_parent
from project.devstack.stack import Stack
from project.settings import BASE_DIR

BEATS = WORKERS = 2
CONCURRENCY = 4
NEVER_GIVE_UP = 1_000_000
"""Crashes in a minute after which the supervisor would end everything."""

CLIENT_ENDS_WITHIN = 30.0  # seconds


@dataclass(slots=True, kw_only=True)
class Target:
    """One system that suffers the faults: its processes, its books, its witness file."""

    name: str
    stack: Stack
    books: Books
    witness: Path
    client: list[str]
    beats: int = BEATS

    def beat(self, pick: int) -> int:
        """Return the process id of one of the Beats."""
        return self.stack.pids[("beat", "beat2")[pick % self.beats]]

    def worker(self, pick: int) -> int:
        """Return the process id of one of the workers' leaders."""
        return self.stack.pids[_worker(pick)]

    def child(self, pick: int) -> int:
        """Return the process id of one child of one worker."""
        children = self.stack.children(_worker(pick))
        if not children:
            raise ProcessLookupError
        return children[pick // WORKERS % len(children)]


def _worker(pick: int) -> str:
    return ("worker", "worker2")[pick % WORKERS]


@dataclass(slots=True, kw_only=True)
class Ground:
    """What all targets stand on. `database` and `clock` may be missing."""

    folder: Path
    broker: BrokerServer
    to_broker: Proxy
    database: DatabaseServer | None = None
    to_database: Proxy | None = None
    clock: HostClock | None = None
    no_clock: str = ""
    """Why the host clock cannot be moved, in words."""


@contextmanager
def ground(folder: Path, *, database: str) -> Iterator[Ground]:
    """Start the servers and the proxies; on leaving, end them."""
    with ExitStack() as stack:
        broker = stack.enter_context(BrokerServer(folder / "broker"))
        to_broker = stack.enter_context(Proxy(("127.0.0.1", broker.server.port)))
        made = Ground(folder=folder, broker=broker, to_broker=to_broker)
        if database == "postgres":
            made.database = stack.enter_context(DatabaseServer())
            made.to_database = stack.enter_context(Proxy(made.database.socket))
            try:
                made.clock = HostClock(folder)
            except NoClock as error:
                made.no_clock = str(error)
        else:
            made.no_clock = "SQLite has no clock but the host's"
        yield made


def downbeat(base: Ground, *, plant: str | None) -> Target:
    """Make the product's database, with the sample jobs, ready to be started."""
    data = base.folder / "downbeat"
    witness = base.folder / "downbeat.witness"
    witness.touch()
    variables = {
        "DJANGO_SETTINGS_MODULE": "chaos.settings",
        "SCHEDULER_RECOVERY_DELAY_SECONDS": "3600",
        "LOG_LEVEL": "INFO",
        WITNESS_FILE: str(witness),
        **(base.clock.variables if base.clock else {}),
        **({PLANT: plant} if plant else {}),
    }
    url, place = database_for(base, "downbeat", file=data / "downbeat.sqlite3")
    stack = Stack(
        data,
        database_url=url,
        redis_url=base.broker.url_at(base.to_broker.port),
        beats=BEATS,
        workers=WORKERS,
        concurrency=CONCURRENCY,
        crash_limit=NEVER_GIVE_UP,
        variables=variables,
    )
    books = Books(place)
    data.mkdir()
    done = stack.run("-m", "project.devstack.prepare", timeout=timedelta(minutes=3))
    if done.returncode:
        raise RuntimeError(f"The database could not be prepared:\n{done.stdout}{done.stderr}")
    postgres = books.is_postgres
    books.prepare(*effect_tables(postgres=postgres), *history(postgres=postgres))
    books.prepare(only_jobs(list(SAMPLES)), *(PLANTS[plant].sql if plant else ()))
    return Target(
        name="Downbeat", stack=stack, books=books, witness=witness, client=["-m", "chaos.client"]
    )


def plain(base: Ground) -> Target:
    """Make the plain system's database, with the same jobs, ready to be started."""
    data = base.folder / "plain"
    witness = base.folder / "plain.witness"
    witness.touch()
    data.mkdir()
    url, place = database_for(base, "plain", file=data / "plain.sqlite3")
    stack = Stack(
        data,
        database_url=url,
        redis_url=base.broker.url_at(base.to_broker.port, database=1),
        variables={
            "DJANGO_SETTINGS_MODULE": "chaos.plain.settings",
            WITNESS_FILE: str(witness),
            **(base.clock.variables if base.clock else {}),
        },
    )
    stack.command = [sys.executable, "-m", "chaos.plain.up", str(CONCURRENCY)]
    books = Books(place)
    done = stack.run("-m", "chaos.plain.prepare", timeout=timedelta(minutes=3))
    if done.returncode:
        raise RuntimeError(f"The database could not be prepared:\n{done.stdout}{done.stderr}")
    books.prepare(*effect_tables(postgres=books.is_postgres))
    client = ["-m", "chaos.plain.client"]
    return Target(name="plain", stack=stack, books=books, witness=witness, client=client, beats=1)


def database_for(base: Ground, name: str, *, file: Path) -> tuple[str | None, str | Path]:
    """Return a new database's address through the proxy, and the place to read it directly."""
    if base.database is None or base.to_database is None:
        return None, file
    direct = base.database.create_database(name)
    return f"postgresql://postgres@127.0.0.1:{base.to_database.port}/{name}", direct


@contextmanager
def running(target: Target, *, seed: int) -> Iterator[None]:
    """Run a target's processes and its client; on leaving, end the client first."""
    with target.stack:
        client = subprocess.Popen(
            [sys.executable, *target.client, str(seed)],
            cwd=BASE_DIR,
            env=target.stack.environment,
            stdin=subprocess.DEVNULL,
            stdout=(target.stack.data_dir / "client.log").open("ab"),
            stderr=subprocess.STDOUT,
            preexec_fn=partial(end_with_parent, signal.SIGKILL),
        )
        try:
            yield
        finally:
            if client.poll() is not None:
                sys.stderr.write(f"{target.name}'s client has ended with {client.returncode}\n")
            client.terminate()
            with suppress(subprocess.TimeoutExpired):
                client.wait(CLIENT_ENDS_WITHIN)
            client.kill()
            client.wait()


def unfinished(books: Books, *, before: datetime) -> int:
    """Return how many rows from before an instant are open; -1 while the database is away."""
    final = "'succeeded', 'failed', 'missed', 'skipped', 'cancelled', 'lost', 'timed_out'"
    text = before.strftime("%Y-%m-%d %H:%M:%S")
    try:
        found = books.rows(
            "SELECT count(*) FROM schedules_run"
            f" WHERE state NOT IN ({final}) AND due_at <= '{text}'"
        )
    except OSError:
        return -1
    return int(found[0][0])
