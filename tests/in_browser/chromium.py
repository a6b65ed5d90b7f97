"""The browser of the tests: the machine's own Chromium, or Debian's, which root may install."""

import os
import shutil
import subprocess
from functools import cache

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 300  # seconds for each step of an installation


@cache
def chromium() -> str:
    """Return the path of Chromium; "" where there is none and none can be installed.

    CHROMIUM names another one. A browser that playwright would download is never used: build
    machines reach package registries and nothing else.
    """
    if named := os.environ.get("CHROMIUM"):
        return named
    return _found() or (_install() and _found()) or ""


def _found() -> str:
    return next((path for name in NAMES if (path := shutil.which(name))), "")


def _install() -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    )
    try:
        return all(
            subprocess.run(
                step, env=quiet, check=False, capture_output=True, timeout=PATIENCE
            ).returncode
            == 0
            for step in steps
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
