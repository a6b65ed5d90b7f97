"""The command behind `./run up`."""

import signal

# Until the supervisor listens, Ctrl-C ends the process without a word: nothing runs yet, and an
# interrupted import would show a traceback. `./run` holds the signal back while Python starts.
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from project.devstack.broker import NoServer
from project.devstack.lock import AlreadyRunning, take_lock
from project.devstack.outside import NoAnswer
from project.devstack.ports import PortTaken
from project.devstack.processes import end_with_parent

PARTS = ("web", "beat", "worker", "flower")
EXIT_ALREADY_RUNNING = 4
HIGHEST_PORT = 65534  # Flower uses the next one


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of `up`; a wrong one ends the process with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="run", description="Start the whole system on this machine."
    )
    command = parser.add_subparsers(required=True, metavar="up").add_parser(
        "up", help="start everything; Ctrl-C stops it"
    )
    command.add_argument("--demo", action="store_true", help="load demo data")
    command.add_argument(
        "--host", default="127.0.0.1", help="where web and Flower listen (127.0.0.1)"
    )
    command.add_argument(
        "--port",
        type=port,
        default=8000,
        help="web's port (8000), 0 for any; Flower uses the next one",
    )
    command.add_argument(
        "--only", type=parts, default=PARTS, help=f"start only some of {','.join(PARTS)}"
    )
    command.add_argument("--beats", type=count, default=1, help="how many Beats (1)")
    command.add_argument("--workers", type=count, default=1, help="how many workers (1)")
    command.add_argument(
        "--concurrency", type=count, default=2, help="processes of each worker (2)"
    )
    command.add_argument(
        "--crash-limit",
        type=count,
        default=5,
        help="crashes of one process in a minute that end all (5)",
    )
    command.add_argument(
        "--end-with-parent",
        action="store_true",
        help="stop when the starting process is gone (Linux)",
    )
    return parser.parse_args(arguments)


def port(text: str) -> int:
    """Return a port number; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no port: write a whole number from 0 to {HIGHEST_PORT}"
        )
    return int(text)


def count(text: str) -> int:
    """Return a whole number of at least 1; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no count: write a whole number of at least 1"
        )
    return int(text)


def parts(text: str) -> tuple[str, ...]:
    """Return the named parts of the system; raises ArgumentTypeError."""
    named = tuple(part.strip() for part in text.split(","))
    if unknown := sorted(set(named) - set(PARTS)):
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is no part: write some of {', '.join(PARTS)}"
        )
    return named


def main(arguments: Sequence[str]) -> int:
    """Start the system and return the exit code: 0 stopped, 1 failed, 2 bad input, 4 already
    running.
    """
    options = parse(arguments)
    if options.end_with_parent:
        end_with_parent()
        if os.getppid() == 1:  # it was gone before we asked
            return 1
    # Imported here: it reads the settings, and `--help` should work with broken ones.
    from project import settings
    from project.devstack import up

    try:
        lock = take_lock(settings.DATA_DIR)
        plan = up.plan_from(options)
        up.check_outside()
        return asyncio.run(up.up(plan, lock=lock))
    except AlreadyRunning as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_ALREADY_RUNNING
    except (PortTaken, NoAnswer, NoServer) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
