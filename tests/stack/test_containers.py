"""Broker, Beat and worker in pytest-celery's containers, on `--celery-docker`.

The image is the product's own. Containers and tests share one folder, at the same path: the SQLite
database and the files by which jobs and tests talk are in it. So the engine is this machine's own,
and its kernel the tests'.
"""

import gc
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import docker
import pytest
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_celery import (
    CeleryBrokerCluster,
    CeleryTestBroker,
    CeleryTestContainer,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
    CeleryWorkerContainer,
    RedisContainer,
)
from pytest_django import DjangoDbBlocker
from pytest_docker_tools import build, container, network

from project.celery import app
from project.devstack.waiting import wait_until
from project.settings import BASE_DIR
from schedules.models import Run
from schedules.states import RunState
from tests.stack import stack_jobs
from tests.stack.system import System

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]  # the first time an image is built

STARTED_WITHIN = 90
"""Seconds, pytest-docker-tools' unit."""

TAKEN_OVER_WITHIN = timedelta(seconds=90)


class WorkerContainer(CeleryWorkerContainer):  # type: ignore[misc]
    """The product's worker."""

    @classmethod
    def worker_name(cls) -> str:
        """The part of its name before the host's."""
        return "worker"


class BeatContainer(CeleryTestContainer):  # type: ignore[misc]
    """The product's Beat, of which pytest-celery knows nothing."""

    @property
    def ready_prompt(self) -> str:
        """The text in the log that says it is ready."""
        return "beat: Starting"


@pytest.fixture(scope="session")
def docker_client(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    """The Docker engine that the environment names; all containers below come from it."""
    if not request.config.getoption("--celery-docker"):
        pytest.skip("containers are only for --celery-docker")
    client = _engine()
    if isinstance(client, str):
        pytest.skip(f"no Docker engine answers: {client}")
    if connection.vendor != "sqlite":
        client.close()
        pytest.skip("the containers share an SQLite file: they run with the tests on SQLite")
    yield client
    client.close()


def _engine() -> docker.DockerClient | str:
    """The engine, or why there is none."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        try:
            client = docker.from_env()
            client.ping()
        except docker.errors.DockerException as error:
            reason = str(error)
        else:
            return client
        gc.collect()  # docker-py leaves the socket open over which nobody answered
        return reason


def _environment(system: System, redis_container: RedisContainer) -> dict[str, str]:
    kept = (
        "DATA_DIR",
        "DJANGO_SETTINGS_MODULE",
        "SCHEDULER_RECOVERY_DELAY_SECONDS",
        stack_jobs.FOLDER,
    )
    own = {"BROKER_URL": redis_container.celeryconfig["url"], "ENVIRONMENT": "dev"}
    return {name: system.environment[name] for name in kept} | own


def _volumes(system: System) -> dict[str, dict[str, str]]:
    folder = str(system.folder)
    tests = {"bind": "/app/tests", "mode": "ro"}  # their jobs and settings; not in the image
    return {folder: {"bind": folder, "mode": "rw"}, str(BASE_DIR / "tests"): tests}


def _part(command: str, kind: type[CeleryTestContainer]) -> Any:
    return container(
        image="{downbeat_image.id}",
        command=f"python -m celery -A project {command} --loglevel INFO",
        environment=_environment,
        volumes=_volumes,
        user=f"{os.getuid()}:{os.getgid()}",  # the folder is ours
        network="{containers_network.name}",
        wrapper_class=kind,
        timeout=STARTED_WITHIN,
        scope="module",
    )


containers_network = network(scope="module")
downbeat_image = build(path=str(BASE_DIR), tag="downbeat:tests")
redis_container = container(
    image=RedisContainer.image(),
    command=lambda: RedisContainer.command(),  # its arguments would be taken for fixtures
    ports=RedisContainer.ports(),
    network="{containers_network.name}",
    wrapper_class=RedisContainer,
    timeout=STARTED_WITHIN,
    scope="module",
)
worker_container = _part("worker --hostname worker@%h -c 2", WorkerContainer)
beat_container = _part("beat --hostname beat@%h", BeatContainer)


@pytest.fixture(scope="module")
def system(
    redis_container: RedisContainer,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[System]:
    """A migrated system, whose parts the containers are. This process is its client."""
    # Not its `host_url`: these tests may be in a container themselves, where localhost is another.
    host, port = redis_container.get_addr("6379/tcp")
    prepared = System(
        tmp_path_factory.mktemp("containers") / "data",
        database_url=None,
        broker_url=f"redis://{host}:{port}/0",
    )
    prepared.prepare()
    with django_db_blocker.unblock(), prepared.as_client():
        yield prepared


@pytest.fixture(scope="module")
def celery_broker_cluster(redis_container: RedisContainer) -> CeleryBrokerCluster:
    """The broker's container."""
    return CeleryBrokerCluster(CeleryTestBroker(redis_container, app))


@pytest.fixture(scope="module")
def celery_worker_cluster(system: System, worker_container: WorkerContainer) -> CeleryWorkerCluster:
    """The worker's container."""
    return CeleryWorkerCluster(CeleryTestWorker(worker_container, app))


@pytest.mark.smoke
def test_the_containers_are_ready_and_a_call_runs_once(
    system: System, celery_setup: CeleryTestSetup
) -> None:
    assert celery_setup.ready(ping=True, control=True, docker=True)

    called = stack_jobs.witness.delay("called", "x")

    _wait_for_success(called.id)
    assert system.lines("called") == ["x"]


@pytest.mark.smoke
def test_a_beat_in_a_container_keeps_a_timetable(
    system: System, celery_setup: CeleryTestSetup, beat_container: BeatContainer
) -> None:
    interval = IntervalSchedule.objects.create(every=1, period="seconds")
    task = PeriodicTask.objects.create(
        name="contained", task="stack_jobs.witness", interval=interval, args='["often", "x"]'
    )

    wait_until(lambda: len(system.lines("often")) >= 3, what="three", timeout=timedelta(seconds=30))

    task.delete()


@pytest.mark.smoke
def test_a_run_outlives_the_container_of_its_worker(
    system: System, celery_setup: CeleryTestSetup, beat_container: BeatContainer
) -> None:
    called = stack_jobs.hold.delay("held")
    system.started("held")

    celery_setup.worker.kill()
    celery_setup.worker.restart()
    system.release("held")

    _wait_for_success(called.id)
    assert len(system.lines("held.started")) == 2


def test_without_an_engine_they_are_skipped_with_the_reason() -> None:
    this = "tests/stack/test_containers.py::test_the_containers_are_ready_and_a_call_runs_once"

    said = subprocess.run(
        [sys.executable, "-m", "pytest", "--celery-docker", "-rs", "-p", "no:cacheprovider", this],
        cwd=BASE_DIR,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert said.returncode == 0, said.stdout + said.stderr
    assert "no Docker engine answers: " in said.stdout
    assert "1 skipped" in said.stdout


def _wait_for_success(task_id: str) -> None:
    wait_until(
        lambda: Run.objects.filter(task_id=task_id, state=RunState.SUCCEEDED).exists(),
        what="the run's success",
        timeout=TAKEN_OVER_WITHIN,
    )
