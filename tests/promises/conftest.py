"""A broker for the promises, and the number of steps at which each operation has died."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.broker import running_broker
from tests.promises import crash

POINTS = pytest.StashKey[dict[str, int]]()


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker, to which this process speaks."""
    with running_broker(tmp_path_factory.mktemp("broker")) as url:
        yield url


@pytest.fixture
def die_at_every_step(
    broker_url: str, transactional_db: None, request: pytest.FixtureRequest
) -> Callable[..., int]:
    """`crash.die_at_every_step`, which also notes its count for the summary.

    With `--thorough` deaths that leave the same behind are tried too.
    """
    thorough = request.config.getoption("--thorough")

    def die(*given: Any, each: bool = False, **named: Any) -> int:
        count = crash.die_at_every_step(*given, each=each or thorough, **named)
        points = request.config.stash.setdefault(POINTS, {})
        points[request.node.name.removeprefix("test_")] = count
        return count

    return die


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many crash points each operation has."""
    points = config.stash.get(POINTS, {})
    if points:
        terminalreporter.section(f"{sum(points.values())} crash points")
        for name, count in points.items():
            terminalreporter.write_line(f"{count:4} {name}")


@pytest.fixture
def races(request: pytest.FixtureRequest) -> int:
    """How often two do the same at once."""
    return 10_000 if request.config.getoption("--thorough") else 120
