"""TCP ports on this machine: whether one is free, and which one is."""

import errno
import socket
from collections.abc import Sequence


class PortTaken(Exception):
    """A port that was asked for cannot be listened on; the message is the one line that a person
    reads.
    """


def check_free(host: str, port: int, *, option: str) -> None:
    """Raise PortTaken, which names the port and the `option` that changes it, unless it can be
    listened on.
    """
    try:
        listen(host, port).close()
    except OSError as error:
        other = f"or choose another with {option}"
        why = {
            errno.EADDRINUSE: f"Port {port} on {host} is taken: stop what listens there, {other}.",
            errno.EACCES: f"Port {port} on {host} may not be used by this user: {other[3:]}.",
        }.get(
            error.errno or 0,
            f"Cannot listen on {host} port {port} ({error.strerror or error}): give --host an"
            " address of this machine.",
        )
        raise PortTaken(why) from error


def free_port(host: str = "127.0.0.1", *, neighbours: int = 0) -> int:
    """Return a port that nothing listens on, and on whose next `neighbours` ports nothing listens
    either.

    It is free now; whoever asks at the same time may get the same one.
    """
    for _ in range(100):
        with listen(host, 0) as first:
            port = int(first.getsockname()[1])
            if all_free(host, range(port + 1, port + 1 + neighbours)):
                return port
    raise PortTaken(f"Found no {neighbours + 1} free ports in a row on {host}.")


def all_free(host: str, ports: Sequence[int]) -> bool:
    """True if every one of `ports` can be listened on."""
    try:
        for port in ports:
            listen(host, port).close()
    except (OSError, OverflowError):
        return False
    return True


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # As servers do it: connections that were closed a moment ago do not count.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(1)
    except OSError:
        made.close()
        raise
    return made


def address(host: str, port: int) -> str:
    """Return `host:port` as it stands in a URL; an address that means "every interface" becomes
    loopback.
    """
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"
