"""The release of the zone data that zoneinfo really reads."""

import subprocess
import sys
import zoneinfo
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from schedules.timing import tzdata_version
from schedules.timing.tzdata import PROBE


@pytest.fixture
def search_path() -> Iterator[None]:
    before = zoneinfo.TZPATH
    yield
    zoneinfo.reset_tzpath(before)


@pytest.mark.usefixtures("search_path")
def test_without_zones_of_the_operating_system_it_is_the_packages() -> None:
    zoneinfo.reset_tzpath([])

    assert tzdata_version() == import_module("tzdata").IANA_VERSION


@pytest.mark.usefixtures("search_path")
@pytest.mark.parametrize(
    ("name", "content"), [("tzdata.zi", "# version 2019c\n"), ("+VERSION", "2019c\n")]
)
def test_the_first_directory_that_has_zones_counts(tmp_path: Path, name: str, content: str) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    (full / PROBE).parent.mkdir(parents=True)
    (full / PROBE).write_bytes(b"TZif")
    (full / name).write_text(content)
    zoneinfo.reset_tzpath([str(empty), str(full)])

    assert tzdata_version() == "2019c"


@pytest.mark.usefixtures("search_path")
def test_data_that_does_not_tell_its_release_is_known_by_its_content(tmp_path: Path) -> None:
    zone = tmp_path / PROBE
    zone.parent.mkdir(parents=True)
    zone.write_bytes(b"TZif")
    zoneinfo.reset_tzpath([str(tmp_path)])

    first = tzdata_version()
    zone.write_bytes(b"TZif2")
    second = tzdata_version()

    assert first.startswith("digest ")
    assert second.startswith("digest ")
    assert first != second


def test_timing_needs_no_framework() -> None:
    program = (
        "import sys, schedules.timing as timing; timing.tzdata_version();"
        "sys.exit(', '.join({'django', 'celery', 'kombu'} & sys.modules.keys()) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=60, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
