"""Asking the program `unpickle` what pickles say, from outside of its process."""

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("unpickle.py")
PATIENCE_SECONDS = 30
MOST_BYTES = 1024 * 1024
BATCH = 500
GAVE_UP = "reading it took too long or too much, and was broken off"


def read_pickles(pickles: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return for each pickle {"state": ...}, or {"error": ...} with the reason.

    The reading process has no environment variables, no open files, no packages and little time: a
    pickle that ends it is one that is answered with an error, and the next ones get a new process.
    """
    answers: list[dict[str, Any]] = []
    while len(answers) < len(pickles):
        batch = pickles[len(answers) : len(answers) + BATCH]
        told = _ask(batch)
        answers += told
        if len(told) < len(batch):
            answers.append({"error": GAVE_UP})
    return answers


def _ask(batch: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the answers up to the first pickle that the process did not survive."""
    lines = b"".join(base64.b64encode(_bounded(pickle)) + b"\n" for pickle in batch)
    # -I and -S: no variables of Python's, no user directory, no installed packages.
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
    ) as reader:
        try:
            out, _ = reader.communicate(lines, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            reader.kill()
            out, _ = reader.communicate()
    whole = out.decode().split("\n")[:-1]
    return [json.loads(line) for line in whole]


def _bounded(pickle: bytes) -> bytes:
    # What is too large becomes an empty text, which is no pickle.
    return pickle if len(pickle) <= MOST_BYTES else b""
