"""Runs Python command lines in the checkout with environment variables of a test's choice."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_python(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python COMMAND` with `variables` added to the environment; an empty one counts as
    unset.
    """
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
