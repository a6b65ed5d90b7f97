"""The moved clock: only what shows the time of day is moved."""

import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from chaos.clock import HostClock

READ = "import time; print(time.time(), time.monotonic())"
PATIENCE = 30.0


@pytest.mark.skipif(not (shutil.which("gcc") or shutil.which("cc")), reason="no C compiler")
@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_the_wall_clock_moves_and_the_monotonic_one_does_not(tmp_path: Path, hours: int) -> None:
    clock = HostClock(tmp_path)

    clock.shift(timedelta(hours=hours))
    before = time.time(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env=dict(clock.variables),
        capture_output=True,
        text=True,
        check=True,
    )

    wall, monotonic = map(float, done.stdout.split())
    assert 0 <= wall - before[0] - hours * 3600 < PATIENCE
    assert 0 <= monotonic - before[1] < PATIENCE
