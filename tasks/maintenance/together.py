"""Runs a command for a worker and ends with it: `python together.py WORDS`.

The worker holds the other end of this program's standard input and writes nothing into it. Its end,
also by kill -9, ends the input, and that ends the command with all that it has started. Imports
nothing of the project, so that it costs a few milliseconds.
"""

import os
import select
import signal
import subprocess
import sys


def main(words: list[str]) -> int:
    """Run the words; return their exit code, as a shell does for one that a signal has ended."""
    command = subprocess.Popen(words, stdin=subprocess.DEVNULL)  # noqa: S603 - the worker's words
    its_end, our_input = os.pidfd_open(command.pid), sys.stdin.fileno()
    ready, _, _ = select.select([its_end, our_input], [], [])
    if its_end not in ready:
        os.killpg(0, signal.SIGKILL)  # this program leads the group, and goes with it
    code = command.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
