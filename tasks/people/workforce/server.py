"""A workforce directory to try things with: it serves made-up people from memory."""

import hmac
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc

from tasks.people.demo_staff import Person
from tasks.people.workforce import workforce_pb2, workforce_pb2_grpc

MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the server shows to its clients, PEM."""

    certificate: bytes
    key: bytes


class ReferenceDirectory(workforce_pb2_grpc.WorkforceDirectoryServicer):
    """Answers from a list of people; the page token is the last code of the page before."""

    def __init__(self, people: Sequence[Person], *, token: str = "") -> None:
        active = sorted((each for each in people if each.is_active), key=lambda each: each.code)
        self._codes = [each.code for each in active]
        self._employees = [
            workforce_pb2.Employee(
                code=each.code, name=each.name, email=each.email, timezone=each.timezone
            )
            for each in active
        ]
        self._token = token

    def ListActiveEmployees(  # noqa: N802 - the name is the protocol's
        self, request: workforce_pb2.ListActiveEmployeesRequest, context: grpc.ServicerContext
    ) -> workforce_pb2.ListActiveEmployeesReply:
        """Return one page; refuse a wrong token, and a page size that is none."""
        given = dict(context.invocation_metadata()).get("authorization", "")
        wanted = f"Bearer {self._token}" if self._token else given
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the bearer token is missing or wrong")
        if not 1 <= request.page_size <= MOST_PER_PAGE:
            accepted = f"page_size is {request.page_size}: 1 to {MOST_PER_PAGE}."
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, accepted)
        begin = bisect_right(self._codes, request.page_token)
        end = begin + request.page_size
        more = end < len(self._codes)
        return workforce_pb2.ListActiveEmployeesReply(
            employees=self._employees[begin:end],
            next_page_token=self._codes[end - 1] if more else "",
        )


def start_server(
    servicer: workforce_pb2_grpc.WorkforceDirectoryServicer,
    *,
    address: str,
    identity: Identity | None = None,
) -> tuple[grpc.Server, int]:
    """Start to serve at `address`, a `host:port`; return the server and the port it got.

    Port 0 is any free one. With an `identity` it speaks TLS only. Raises RuntimeError where it
    cannot listen.
    """
    # Without this two servers may share a port, and each get some of the calls.
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
    add = workforce_pb2_grpc.add_WorkforceDirectoryServicer_to_server
    add(servicer, server)  # type: ignore[no-untyped-call]
    if identity is None:
        port = server.add_insecure_port(address)
    else:
        pair = (identity.key, identity.certificate)
        port = server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    server.start()
    return server, port
