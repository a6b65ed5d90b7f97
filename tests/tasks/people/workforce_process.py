"""The directory server as a process of its own, and one that misbehaves when it is asked to."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def workforce_server(*arguments: str, module: str = "", **variables: str) -> Iterator[str]:
    """Run the server for the time of the block; yield its `host:port`."""
    module = module or "tasks.people.workforce"
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert " at " in line, "the server did not start"
        yield line.rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def main() -> None:
    """Serve with a fault: `dies` on the page after the first, `slow`, `wrong` and others."""
    from tasks.people.demo_staff import made_up_people
    from tasks.people.workforce import workforce_pb2
    from tasks.people.workforce.server import ReferenceDirectory, start_server

    fault, port, employees = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    class FaultyDirectory(ReferenceDirectory):
        def ListActiveEmployees(  # noqa: N802 - the name is the protocol's
            self, request: workforce_pb2.ListActiveEmployeesRequest, context: object
        ) -> workforce_pb2.ListActiveEmployeesReply:
            if fault == "dies" and request.page_token:
                os._exit(1)
            if fault == "slow" and request.page_token:
                threading.Event().wait(5)
            reply = super().ListActiveEmployees(request, context)
            if fault == "wrong":
                reply.employees.add(code="", name="Nobody")
                reply.employees.add(code="x" * 51, name="Too Long")
                reply.employees.add(code="E9999", name="Far Away", timezone="Mars/Phobos")
                reply.employees.add(code="E0001", name="Adi Again")
                reply.employees.add(code="E9\x0098", name="Nothing Inside")
                reply.employees.add(code="E9997", name="Nothing\x00 Inside")
                reply.employees.add(code="E9996", name="Nil", timezone="Asia/\x00Jakarta")
                reply.employees.add(code="E9995", name="Mail", email='"a\x00b"@example.com')
                reply.employees.add(code=" E9994", name="Blank Before")
                reply.employees.add(code="E9993\u00a0", name="Blank Behind")
            if fault == "long":
                reply.employees.extend(list(reply.employees))
            if fault == "endless":
                reply.next_page_token = "E0001"
            if fault in ("empty", "same", "flood"):
                reply = workforce_pb2.ListActiveEmployeesReply()
                reply.next_page_token = f"{request.page_token}x"
            if fault in ("same", "flood"):
                code = reply.next_page_token if fault == "flood" else "E0001"
                reply.employees.add(code=code, name="Adi")
            return reply

    servicer = FaultyDirectory(list(made_up_people(employees)))
    _, port = start_server(servicer, address=f"127.0.0.1:{port}")
    sys.stdout.write(f"faulty directory at 127.0.0.1:{port}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
