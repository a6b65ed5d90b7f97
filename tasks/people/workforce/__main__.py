"""`./run workforce`: the reference server, until Ctrl-C. Its token is `WORKFORCE_GRPC_TOKEN`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from tasks.people.demo_staff import made_up_people
from tasks.people.workforce.server import Identity, ReferenceDirectory, start_server

MOST_EMPLOYEES = 1_000_000
SECONDS_TO_FINISH = 2


def _whole(least: int, most: int, text: str) -> int:
    if text.isascii() and text.isdecimal() and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}.")


def main() -> int:
    """Serve and return the exit code: 1 where the address is taken, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="./run workforce", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=lambda text: _whole(0, 65535, text), default=50051)
    parser.add_argument(
        "--employees",
        type=lambda text: _whole(0, MOST_EMPLOYEES, text),
        default=25,
        metavar="COUNT",
    )
    parser.add_argument("--certificate", type=Path, help="PEM; with --key the server speaks TLS")
    parser.add_argument("--key", type=Path, help="PEM, the certificate's private key")
    options = parser.parse_args()
    if (options.certificate is None) != (options.key is None):
        parser.error("give --certificate and --key, or neither")
    token = os.environ.get("WORKFORCE_GRPC_TOKEN", "")
    servicer = ReferenceDirectory(list(made_up_people(options.employees)), token=token)
    try:
        identity = options.certificate and Identity(
            certificate=options.certificate.read_bytes(), key=options.key.read_bytes()
        )
        address = f"{options.host}:{options.port}"
        server, port = start_server(servicer, address=address, identity=identity)
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"workforce: cannot serve at {options.host}:{options.port}: {error}\n")
        return 1
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    sys.stdout.write(f"workforce directory at {options.host}:{port}\n")
    sys.stdout.flush()
    stopped.wait()
    server.stop(SECONDS_TO_FINISH).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
