"""The supervisor's output: every line behind the name of the process that wrote it."""

import os
import sys

COLOURS = (36, 33, 32, 35, 34, 96, 95)  # of a terminal, one a process
WIDTH = 8


class Output:
    """Writes to stdout, in colours where that is a terminal and NO_COLOR is unset."""

    def __init__(self) -> None:
        self.colours: dict[str, int] = {}
        self.is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def say(self, name: str, line: str) -> None:
        """Write one line of the process `name`."""
        colour = self.colours.setdefault(name, COLOURS[len(self.colours) % len(COLOURS)])
        prefix = f"{name:<{WIDTH}} |"
        self.write(
            f"\033[{colour}m{prefix}\033[0m {line}" if self.is_coloured else f"{prefix} {line}"
        )

    def write(self, line: str) -> None:
        """Write one line as it is; a reader that has gone away stops nothing."""
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except OSError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - kept for the rest of the process
