"""`python -m project.probe web | beat | worker | flower`: does it live here? 0 yes, 1 no.

For health checks of containers and services. Web and Flower are asked over HTTP; Beat and workers
have a heartbeat in the database under this host's name.
"""

import os
import socket
import sys
import urllib.request

PATIENCE_SECONDS = 5


def answers(url: str, *, host: str) -> bool:
    """Whether the address answers with success."""
    request = urllib.request.Request(url, headers={"Host": host})  # noqa: S310 - built below
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False


def beats_here(kind: str) -> bool:
    """Whether an instance of this kind on this host has renewed its lease."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.db import Error

    from schedules.models import Instance
    from schedules.querysets.clock import database_now

    try:
        here = Instance.objects.filter(kind=kind, host=socket.gethostname())
        return here.alive(database_now()).exists()
    except Error:
        return False


def lives(part: str) -> bool:
    """Whether the part answers, or is heard of."""
    if part == "web":
        port = os.environ.get("PORT", "8000")
        named = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
        host = named if named and named != "*" else "localhost"
        return answers(f"http://127.0.0.1:{port}/readyz", host=host)
    if part == "flower":
        port = os.environ.get("FLOWER_PORT", "5555")
        return answers(f"http://127.0.0.1:{port}/healthcheck", host="localhost")
    return beats_here(part)


def main(arguments: list[str]) -> int:
    """Answer for the named part."""
    if arguments not in (["web"], ["beat"], ["worker"], ["flower"]):
        sys.stderr.write("part: write one of web, beat, worker, flower.\n")
        return 2
    return 0 if lives(arguments[0]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
