"""One running system for all tests of this folder, as pytest-celery's fixtures and as itself."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from celery import Celery
from pytest_celery import CeleryBrokerCluster, CeleryWorkerCluster
from pytest_celery.fixtures.setup import celery_setup  # noqa: F401
from pytest_django import DjangoDbBlocker

from project.celery import app
from tests.stack.nodes import BeatNode, BrokerNode, Setup, WorkerNode
from tests.stack.rabbitmq import PROGRAM, RabbitMQ
from tests.stack.servers import MakeServer, Valkey
from tests.stack.system import System

Node = TypeVar("Node", BeatNode, WorkerNode)


@pytest.fixture(scope="session")
def make_server(request: pytest.FixtureRequest) -> MakeServer:
    """What prepares the broker that `--broker` names."""
    if request.config.getoption("--broker") == "valkey":
        return Valkey
    if not PROGRAM.exists():
        pytest.fail(f"no RabbitMQ server: {PROGRAM} is not there")
    return RabbitMQ


@pytest.fixture(scope="package")
def system(
    tmp_path_factory: pytest.TempPathFactory,
    make_database: Callable[..., str | None],
    make_server: MakeServer,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[System]:
    """A migrated system whose broker runs. This process is its client."""
    folder = tmp_path_factory.mktemp("stack")
    server = make_server(folder / "broker")
    started = System(folder / "data", database_url=make_database(migrated=True), server=server)
    try:
        started.prepare()
        with django_db_blocker.unblock(), started.as_client():
            yield started
    finally:
        started.stop()


@pytest.fixture(scope="package")
def celery_broker_cluster(system: System) -> CeleryBrokerCluster:
    """The broker, started."""
    return CeleryBrokerCluster(system.start_broker())


@pytest.fixture(scope="package")
def celery_backend_cluster() -> None:
    """None: results are in the database."""


@pytest.fixture(scope="package")
def celery_worker_cluster(
    system: System, celery_broker_cluster: CeleryBrokerCluster
) -> CeleryWorkerCluster:
    """One worker with two processes."""
    return CeleryWorkerCluster(system.start_worker())


@pytest.fixture(scope="package")
def celery_beat_node(system: System, celery_broker_cluster: CeleryBrokerCluster) -> BeatNode:
    """One Beat."""
    return system.start_beat()


@pytest.fixture
def celery_setup_cls() -> type[Setup]:
    """The class that `celery_setup` is made of."""
    return Setup


@pytest.fixture(scope="package")
def celery_setup_app() -> Celery:
    """The project's own app, as the system's client."""
    return app


@pytest.fixture
def broker(celery_broker_cluster: CeleryBrokerCluster, system: System) -> BrokerNode:
    """The broker, running."""
    node: BrokerNode = celery_broker_cluster[0]
    if node.container.status == "exited":
        node.container.start()
    system.wait_for_broker()
    return node


@pytest.fixture
def beat(broker: BrokerNode, celery_beat_node: BeatNode) -> BeatNode:
    """The Beat, running."""
    return _running(celery_beat_node)


@pytest.fixture
def worker(broker: BrokerNode, celery_worker_cluster: CeleryWorkerCluster) -> WorkerNode:
    """The worker, running."""
    node: WorkerNode = celery_worker_cluster[0]
    return _running(node)


@pytest.fixture
def running(system: System, beat: BeatNode, worker: WorkerNode) -> System:
    """The system with Beat and worker running, also after a test that killed them."""
    return system


def _running(node: Node) -> Node:
    if node.container.status == "exited":
        node.container.start()
    node.ready()
    return node
