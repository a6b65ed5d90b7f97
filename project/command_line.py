"""What the `celery` command refuses to start: what needs a broker without one, and Flower open to
everybody.
"""

import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from django.conf import settings

from project.no_broker import HOW_TO_GET_ONE

NEEDING_BROKER = frozenset(
    {
        "amqp",
        "beat",
        "control",
        "events",
        "flower",
        "inspect",
        "list",
        "migrate",
        "multi",
        "purge",
        "status",
        "worker",
    }
)
LOCKS_OF_FLOWER = ("--basic_auth", "--basic-auth", "--auth")
OPEN_FLOWER = (
    "Flower has no password: set FLOWER_BASIC_AUTH=user:password (./run up makes one),"
    " or name --basic_auth or --auth."
)


def refuse_unusable_command(
    arguments: Sequence[str], *, has_broker: bool, environment: MutableMapping[str, str]
) -> None:
    """End the process with one line and exit code 1 when `arguments` is a celery command that
    cannot work.

    Flower gets the password of a running `./run up` where it has no other.
    """
    if not is_celery(arguments[0]) or "--help" in arguments:
        return
    if not has_broker and NEEDING_BROKER.intersection(arguments[1:]):
        stop(HOW_TO_GET_ONE)
    if "flower" in arguments[1:]:
        if settings.FLOWER_BASIC_AUTH:  # it may stand in a file, which Flower does not read
            environment["FLOWER_BASIC_AUTH"] = settings.FLOWER_BASIC_AUTH
        if kept := settings.RUNNING.get("flower", {}).get("login"):
            environment.setdefault("FLOWER_BASIC_AUTH", kept)
        by_option = any(argument.partition("=")[0] in LOCKS_OF_FLOWER for argument in arguments)
        by_variable = any(environment.get(name) for name in ("FLOWER_BASIC_AUTH", "FLOWER_AUTH"))
        if not by_option and not by_variable:
            stop(OPEN_FLOWER)


def is_celery(program: str) -> bool:
    """True for `celery` and for `python -m celery`."""
    path = Path(program)
    return path.name == "celery" or path.parts[-2:] == ("celery", "__main__.py")


def stop(line: str) -> None:
    """End the process with `line` on stderr and exit code 1."""
    sys.stderr.write(f"{line}\n")
    raise SystemExit(1)
