"""Makes the Python environment behind `./run`: a venv with exactly what a lock file lists.

Runs under any Python that the machine has, before anything is installed, so it imports nothing but
the standard library. It never downloads a Python.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
OLDEST = (3, 11)
BASE_PYTHON = str(getattr(sys, "_base_executable", sys.executable))
MINE = f"Python {'.'.join(str(part) for part in sys.version_info[:3])}"
NEWEST = (3, 13)  # the last one for which every package comes ready-built


class CannotInstall(Exception):
    """The environment could not be made; the message is the one line that a person reads."""


def is_usable(version: tuple[int, ...], *, wanted: str) -> bool:
    """True if a Python of `version` may run the project.

    `wanted` is what RUN_PYTHON says: a version such as `3.13` must match, and any other text (a
    path) means that the person chose, so only the oldest version is still checked.
    """
    if re.fullmatch(r"\d+(\.\d+)+", wanted):
        numbers = tuple(int(part) for part in wanted.split("."))
        return version >= OLDEST and version[: len(numbers)] == numbers
    return version[:2] >= OLDEST and (bool(wanted) or version[:2] <= NEWEST)


def make(place: Path, *, kind: str, locks_sum: str) -> None:
    """Bring the environment at `place` to exactly the packages of the lock for `kind`.

    Then its stamp says what was installed: the kind, `locks_sum` and the Python version. Raises
    CannotInstall when a package or uv cannot be had. Of several callers, one works while the
    others wait.
    """
    stamp = place / "stamp"
    try:
        with (ROOT / "run").open() as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            said = stamp.read_text() if stamp.exists() else ""
            if said.startswith("dev"):  # once there, the development tools stay
                kind = "dev"
            fitting = f"{kind} {locks_sum} {MINE}\n"
            if said == fitting and has_working_python(place):
                return  # made while this caller waited for its turn
            before = packages(place)
            stamp.unlink(missing_ok=True)
            try:
                if not has_working_python(place):
                    create(place)
                install(place, lock=LOCKS[kind], uv=find_uv(place))
            except CannotInstall:
                # Nothing was changed, so it is still good for the lock that it was made from.
                if said and packages(place) == before:
                    stamp.write_text(said)
                raise
            stamp.write_text(fitting)
    except OSError as error:
        raise CannotInstall(f"cannot write the environment {place}: {error.strerror}") from error


def packages(place: Path) -> list[str]:
    """Return the names and versions of the packages in the environment."""
    return sorted(package.name for package in place.glob("lib/python*/site-packages/*.dist-info"))


def has_working_python(place: Path) -> bool:
    """True if the environment there runs the same Python as the one that would make it anew."""
    try:
        shown = subprocess.run(
            [place / "bin/python", "-V"], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return (place / "pyvenv.cfg").exists() and shown.stdout.strip() == MINE


def create(place: Path) -> None:
    """Make an empty environment, without pip: Debian's Python has no ensurepip."""
    for part in ("bin", "include", "lib", "lib64"):
        if (place / part).is_symlink():
            (place / part).unlink()
        shutil.rmtree(place / part, ignore_errors=True)
    venv.create(place, symlinks=True, with_pip=False)


def find_uv(place: Path) -> str:
    """Return the path of uv: the machine's own, or one that pip puts inside the environment."""
    mine = place / "uv"
    if found := shutil.which("uv") or shutil.which("uv", path=mine / "bin"):
        return found
    announce("getting uv, which installs the packages")
    wanted = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--only-binary=:all:",
        "uv>=0.8,<1",
    ]
    # Not plain `pip install`: distributions refuse that outside an environment.
    step = run_logged(
        [BASE_PYTHON, "-m", "pip", "install", "--target", mine, *wanted],
        log=place / "install.log",
    )
    if step and not shutil.which("uv", path=mine / "bin"):
        venv.create(mine, symlinks=True, clear=True, with_pip=True)
        step = run_logged(
            [mine / "bin/python", "-m", "pip", "install", *wanted], log=place / "install.log"
        )
    if step:
        raise CannotInstall(f"cannot get uv ({step})")
    return str(mine / "bin/uv")


def install(place: Path, *, lock: Path, uv: str) -> None:
    """Install what `lock` lists and remove the rest; raises CannotInstall when a package cannot be
    had.
    """
    announce(f"installing the packages of {lock.name}")
    options = ["--require-hashes", "--compile-bytecode", "--python", str(place / "bin/python")]
    command = [uv, "pip", "sync", *options, str(lock)]
    log, variables = place / "install.log", uv_environment(place)
    problem = run_logged(command, log=log, environment=variables)
    if problem and "certificate" in log.read_text():
        # Behind a proxy that signs for itself, the certificates of the machine know it.
        variables |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}  # new and old name
        problem = run_logged(command, log=log, environment=variables)
    if problem:
        raise CannotInstall(f"cannot install the packages of {lock.name} ({problem})")
    # So that plain `.venv/bin/celery` and `.venv/bin/pytest` find the project from any directory.
    site = next((place / "lib").glob("python*/site-packages"))
    (site / "downbeat.pth").write_text(f"{ROOT}\n")


def uv_environment(place: Path) -> dict[str, str]:
    """Return the environment variables for uv, with a cache directory that this user can write."""
    variables = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
    try:
        usual.mkdir(parents=True, exist_ok=True)
        writable = os.access(usual, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        variables.setdefault("UV_CACHE_DIR", str(place / "cache"))
    if index := os.environ.get("PIP_INDEX_URL"):  # uv does not read pip's settings
        variables.setdefault("UV_DEFAULT_INDEX", index)
    return variables


def run_logged(
    command: Sequence[str | Path], *, log: Path, environment: dict[str, str] | None = None
) -> str:
    """Run `command` with its output in `log`; return "" or, if it failed, its last line."""
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=ROOT,
    )
    log.write_text(done.stdout)
    if done.returncode == 0:
        return ""
    lines = [
        line.strip(" ╰─▶├│\N{MULTIPLICATION SIGN}")
        for line in done.stdout.splitlines()
        if line.strip()
    ]
    last = lines[-1] if lines else f"exit code {done.returncode}"
    return f"no network? {last[:200]}; all of it is in {log}"


def announce(what: str) -> None:
    """Tell a person at a terminal what takes so long; elsewhere only problems are worth a line."""
    if sys.stdout.isatty():
        print(f"run: {what}", flush=True)


def main(arguments: list[str]) -> int:
    """Answer `--usable WANTED`, or make the environment: `PLACE runtime|dev SUM`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without a stamp, the next start does it again
    if arguments[0] == "--usable":
        return 0 if is_usable(sys.version_info[:3], wanted=arguments[1]) else 1
    place, kind, locks_sum = arguments
    try:
        make(ROOT / place, kind=kind, locks_sum=locks_sum)
    except CannotInstall as error:
        print(f"run: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
