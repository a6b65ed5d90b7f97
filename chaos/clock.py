"""Moving the host's wall clock for the processes of a system, and for them only."""

import ctypes
import mmap
import shutil
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
BYTES = 8


class NoClock(Exception):
    """The clock cannot be moved here; the message says why."""


class HostClock:
    """The wall clock of every process that is started with `variables`."""

    def __init__(self, folder: Path) -> None:
        """Compile the shim into `folder`; raises NoClock where there is no compiler."""
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise NoClock("there is no C compiler")
        library = folder / "clock.so"
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoClock(f"{SOURCE.name} does not compile: {done.stderr.strip()[-200:]}")
        place = folder / "clock"
        place.write_bytes(bytes(BYTES))
        with place.open("r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), BYTES)
        self.variables: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "CHAOS_CLOCK_FILE": str(place),
        }

    def shift(self, by: timedelta) -> None:
        """Let the clock show `by` more than it is; zero puts it right."""
        nanoseconds = by // timedelta(microseconds=1) * 1000
        self._mapped[:] = bytes(ctypes.c_int64(nanoseconds))
