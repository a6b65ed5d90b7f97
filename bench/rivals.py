"""The peers' programs as a work starts them: with their own Python, their database, our broker."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.marks import FILE as MARKS
from bench.programs import Program, run
from bench.servers import Servers
from bench.work import Bench

STOCK = "bench.peers.stock"
DJANGO_Q2 = "bench.peers.django_q2"


class Rival:
    """Programs of one peer on one database of its own."""

    def __init__(self, bench: Bench, *, url: str = "", settings: str = "") -> None:
        self.servers: Servers = bench.servers
        self.python = str(bench.peers())
        self.marks = self.servers.fresh_file("marks")
        at = urlsplit(url)
        database = {
            "NAME": at.path.lstrip("/"),
            "HOST": unquote(at.netloc.rpartition("@")[2]),
            "USER": at.username or "",
            "PORT": "",
        }
        self.environment = {
            "PATH": str(Path(self.python).parent),
            "BENCH_DATABASE": json.dumps(database),
            "BENCH_BROKER": self.servers.broker_url,
            "PYTHONWARNINGS": "ignore",
            MARKS: str(self.marks),
        }
        if settings:
            self.environment["DJANGO_SETTINGS_MODULE"] = settings

    def run(self, *words: str, **variables: str) -> str:
        """Run a module to its end and return what it printed. Raises ProgramFailed."""
        command = [self.python, "-m", *words]
        return run(command, environment={**self.environment, **variables})

    def program(self, *words: str, **variables: str) -> Program:
        """Return a program to enter."""
        command = [self.python, "-m", *words]
        return self.servers.program(words[0], command, {**self.environment, **variables})


@contextmanager
def stock(bench: Bench, jobs: int = 0, *, kind: str = "interval") -> Iterator[Rival]:
    """Yield stock django-celery-beat on a new database with so many daily jobs, by one `interval`
    or by one `crontab`. Raises NotInstalled.
    """
    with _with_tables(bench, f"{STOCK}_settings") as rival:
        if jobs:
            rival.run(STOCK, "fill", str(jobs), kind)
        yield rival


def stock_beat(rival: Rival) -> Program:
    """Return stock Beat with its database scheduler."""
    scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
    return rival.program("celery", "-A", STOCK, "beat", "-S", scheduler, "-l", "WARNING")


@contextmanager
def django_q2(bench: Bench) -> Iterator[Rival]:
    """Yield django-q2 on a new database. Raises NotInstalled."""
    with _with_tables(bench, f"{DJANGO_Q2}_settings") as rival:
        yield rival


@contextmanager
def _with_tables(bench: Bench, settings: str) -> Iterator[Rival]:
    """Yield a peer that is a Django project, on a copy of a database that was migrated once."""
    bench.peers()
    servers = bench.servers
    if settings not in servers.migrated:
        name = f"migrated{len(servers.migrated)}"
        servers.postgres.drop_database(name)  # there where an earlier try has failed
        url = servers.postgres.create_database(name)
        Rival(bench, url=url, settings=settings).run("django", "migrate", "--verbosity=0")
        servers.migrated[settings] = name
    with servers.empty(like=servers.migrated[settings]) as url:
        yield Rival(bench, url=url, settings=settings)


@contextmanager
def with_database(bench: Bench) -> Iterator[Rival]:
    """Yield a peer that makes its own tables in a new database. Raises NotInstalled."""
    bench.peers()
    with bench.servers.empty() as url:
        yield Rival(bench, url=url)


def plain_program(bench: Bench, *words: str, **variables: str) -> Program:
    """Return a program of plain Celery: in our own environment, whose Celery is the very same."""
    environment = {**os.environ, "BENCH_BROKER": bench.servers.broker_url, **variables}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return bench.servers.program("plain", [sys.executable, "-m", *words], environment)
