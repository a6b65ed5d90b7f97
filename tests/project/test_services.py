"""The services of docker-compose.yml, by their own commands and variables, on servers here."""

import base64
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from project.devstack.broker import embedded_broker
from project.devstack.ports import free_port
from project.devstack.stack import NOT_INHERITED
from project.devstack.waiting import WaitedTooLong, wait_until
from project.running import is_alive
from tests.project.programs import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]  # it starts a whole system first

PATIENCE = timedelta(seconds=180)
HOST = "jobs.example.com"
LOGIN = "flower:a-flower-password"
GIVEN = {
    "SECRET_KEY": "k" * 30 + "0123456789abcdefghijABCDEFGHIJ-_!",
    "ALLOWED_HOSTS": HOST,
    "POSTGRES_PASSWORD": "unused",
    "VALKEY_PASSWORD": "unused",
    "ADMIN_PASSWORD": "an-admin-password",
    "FLOWER_BASIC_AUTH": LOGIN,
    "METRICS_TOKEN": "a-metrics-token",
}


OURS = ("DATA_DIR", "GUNICORN_CMD_ARGS")


class Services:
    """Starts services of the file; both servers' addresses and the ports are this machine's."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.ports = {"PORT": str(free_port()), "FLOWER_PORT": str(free_port())}
        self.own = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DATA_DIR": str(folder),
            # In a container both listen on all of its addresses; here the loopback has to do.
            "FLOWER_ADDRESS": "127.0.0.1",
            "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{self.ports['PORT']}",
            **self.ports,
        }
        self.file = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())["services"]
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        """Return what the file says, filled in, and nothing of this process but the basics."""
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        asked = {key: fill_in(str(value)) for key, value in self.file[name]["environment"].items()}
        mine = {key: value for key, value in self.own.items() if key in asked or key in OURS}
        assert not set(NOT_INHERITED) & set(kept)
        return {**kept, **asked, **mine}

    def command(self, name: str) -> list[str]:
        """Return the service's command, its program from this environment."""
        program, *arguments = self.file[name]["command"]
        return [str(Path(sys.executable).with_name(program)), *arguments]

    def run(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run the command, or another one, as the service and wait for its end."""
        return subprocess.run(
            command or self.command(name),
            cwd=ROOT,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def start(self, name: str) -> None:
        """Start the service."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.command(name), cwd=ROOT, env=self.environment(name), stdout=log, stderr=log
            )

    def is_healthy(self, name: str) -> bool:
        """Whether the service's own health check says so."""
        _, _, *arguments = self.file[name]["healthcheck"]["test"]
        return self.run(name, sys.executable, *arguments).returncode == 0

    def get(self, port: str, path: str, **headers: str) -> tuple[int, str]:
        """Return status and body of an answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[port]}{path}", headers={"Host": HOST, **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def stop(self) -> None:
        """End everything, the last one first."""
        for process in reversed(self.running.values()):
            process.terminate()
        for process in reversed(self.running.values()):
            process.wait(60)

    def log(self) -> str:
        """Return the end of what the services wrote."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"== {f.name}\n{f.read_text()[-2000:]}" for f in files)


def fill_in(value: str) -> str:
    """Replace `${NAME:-default}` and `${NAME:?hint}` as compose does."""
    return re.sub(
        r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}", lambda m: GIVEN.get(m[1]) or m[2] or "", value
    )


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, make_database: Callable[[], str | None]
) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    broker = embedded_broker(folder / "valkey")
    with ExitStack() as ending:
        server = subprocess.Popen(broker.command, stdout=subprocess.DEVNULL)
        ending.callback(server.wait)
        ending.callback(server.terminate)
        database_url = make_database() or f"sqlite:///{folder / 'downbeat.sqlite3'}"
        started = Services(folder, database_url=database_url, redis_url=broker.url)
        ending.callback(started.stop)
        migrated = started.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        for name in ("web", "beat", "worker", "flower"):
            started.start(name)
        for name in started.running:
            try:
                wait_until(partial(started.is_healthy, name), what=name, timeout=PATIENCE)
            except WaitedTooLong:
                raise AssertionError(started.log()) from None
        yield started


def test_all_is_well_and_a_job_runs(services: Services) -> None:
    started_at = time.monotonic()
    ran = services.run(
        "worker", sys.executable, "manage.py", "scheduler", "trigger", "monitor_jobs", "--wait"
    )

    assert ran.stdout.startswith("succeeded"), ran.stdout + ran.stderr + services.log()
    assert time.monotonic() - started_at < 60
    assert services.get("PORT", "/healthz")[0] == 200
    for name, process in services.running.items():
        assert is_alive(process.pid), name


def test_the_web_server_speaks_tls_only_and_knows_its_name(services: Services) -> None:
    assert services.get("PORT", "/readyz", Host="evil.example.com")[0] == 400
    status, _ = services.get("PORT", "/login/", **{"X-Forwarded-Proto": "https"})
    assert status == 200


def test_prometheus_reads_what_the_broker_holds(services: Services) -> None:
    status, text = services.get("PORT", "/metrics", Authorization="Bearer a-metrics-token")

    assert status == 200
    assert "downbeat_broker_up 1.0" in text
    assert 'downbeat_queue_messages{queue="celery"}' in text
    assert 'downbeat_instances{kind="worker"} 1.0' in text
    assert services.get("PORT", "/metrics")[0] == 401


@pytest.mark.parametrize(
    "page",
    ["/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length"],
)
def test_flower_shows_nothing_without_its_password(services: Services, page: str) -> None:
    assert services.get("FLOWER_PORT", page)[0] == 401


def test_flower_tells_no_secret_to_who_is_let_in(services: Services) -> None:

    login = {"Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}"}
    status, told = services.get("FLOWER_PORT", "/api/workers?refresh=1", **login)

    assert status == 200
    secrets: list[Any] = [GIVEN["SECRET_KEY"], GIVEN["METRICS_TOKEN"], GIVEN["ADMIN_PASSWORD"]]
    secrets += [services.own["REDIS_URL"].rpartition("@")[0].rpartition(":")[2]]
    assert [secret for secret in secrets if secret in told] == []


def test_lines_of_every_service_are_json_and_hold_no_secret(services: Services) -> None:
    for name in ("web", "beat", "worker"):
        lines = (services.folder / f"{name}.log").read_text().splitlines()
        assert [line for line in lines if line.startswith('{"')], (name, lines[-5:])
        assert GIVEN["SECRET_KEY"] not in "".join(lines)
