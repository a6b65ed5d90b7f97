"""Which Python `./run` accepts, and what it installs into."""

from pathlib import Path

import pytest

from project.devstack.environment import is_usable, uv_environment


@pytest.mark.parametrize(
    ("version", "wanted", "usable"),
    [
        ((3, 10, 13), "", False),
        ((3, 11, 2), "", True),
        ((3, 13, 0), "", True),
        ((3, 14, 0), "", False),
        ((3, 14, 0), "3.14", True),
        ((3, 12, 1), "3.13", False),
        ((3, 13, 0), "3.13", True),
        ((3, 10, 0), "3.10", False),
        ((3, 14, 0), "/opt/python/bin/python3", True),
    ],
)
def test_a_python_is_usable_from_3_11_on_or_when_asked_for(
    version: tuple[int, ...], wanted: str, usable: bool
) -> None:
    assert is_usable(version, wanted=wanted) is usable


def test_uv_keeps_its_cache_in_the_environment_when_home_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))

    variables = uv_environment(tmp_path)

    assert variables["UV_CACHE_DIR"] == str(tmp_path / "cache")
    assert variables["UV_PYTHON_DOWNLOADS"] == "never"
