"""The client: all pages of active employees, each fetched in time or not at all.

A page that does not come is asked for again, with growing pauses, as long as the reason is one that
passes. Pages are asked for by a token, so what came before is not asked for twice.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
from grpc import StatusCode

from tasks.people.workforce import workforce_pb2, workforce_pb2_grpc

log = logging.getLogger(__name__)

MOST_PER_PAGE = 1000
MOST_PAGES = 10_000
MOST_WITHOUT_NEWS = 100
"""How many pages in a row may name nobody new; a directory that filters late has empty ones."""

PASSING = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.ABORTED,
    }
)
"""Answers after which it is worth asking again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Where the directory is and how to speak to it."""

    target: str
    deadline: timedelta = timedelta(seconds=10)
    tls: bool = False
    ca: bytes = b""
    """PEM certificates to trust; empty: those of the system."""
    token: str = field(default="", repr=False)
    tries: int = 4
    pause: timedelta = timedelta(milliseconds=200)
    """Before the second try; each further pause is twice as long."""


class DirectoryUnavailable(Exception):
    """A page of the workforce directory did not come, or was none. `str()` says which and why."""

    def __init__(self, target: str, page: int, reason: str) -> None:
        super().__init__(target, page, reason)
        self.target = target
        self.page = page
        self.reason = reason

    def __str__(self) -> str:
        return f"The workforce directory at {self.target} gave no page {self.page}: {self.reason}."


def fetch_pages(
    directory: Directory, *, per_page: int = MOST_PER_PAGE
) -> Iterator[list[workforce_pb2.Employee]]:
    """Yield the active employees, page by page.

    Raises DirectoryUnavailable when a page does not come within all tries, and for one that cannot
    be: too long, or one that would never end, since its token was there before, the hundredth in a
    row names nobody new, or it is the page after the ten thousandth.
    """
    with closing(_channel(directory)) as channel:
        stub = workforce_pb2_grpc.WorkforceDirectoryStub(channel)  # type: ignore[no-untyped-call]
        token, tokens, number = "", {""}, 0
        codes: set[str] = set()
        without_news = 0
        while True:
            number += 1
            if number > MOST_PAGES:
                reason = f"{MOST_PAGES} is the most that is asked for"
                raise DirectoryUnavailable(directory.target, number, reason)
            request = workforce_pb2.ListActiveEmployeesRequest(page_size=per_page, page_token=token)
            reply = _ask(stub, request, directory, number)
            if len(reply.employees) > per_page:
                reason = f"it holds {len(reply.employees)} people, {per_page} were asked for"
                raise DirectoryUnavailable(directory.target, number, reason)
            if reply.next_page_token and reply.next_page_token in tokens:
                reason = f"it leads back to the token {reply.next_page_token!r}"
                raise DirectoryUnavailable(directory.target, number, reason)
            known = len(codes)
            codes.update(entry.code for entry in reply.employees)
            without_news = 0 if len(codes) > known else without_news + 1
            if reply.next_page_token and without_news >= MOST_WITHOUT_NEWS:
                reason = f"it and the {without_news - 1} before name nobody new, and it leads on"
                raise DirectoryUnavailable(directory.target, number, reason)
            if reply.employees:
                yield list(reply.employees)
            token = reply.next_page_token
            tokens.add(token)
            if not token:
                return


def _ask(
    stub: workforce_pb2_grpc.WorkforceDirectoryStub,
    request: workforce_pb2.ListActiveEmployeesRequest,
    directory: Directory,
    number: int,
) -> workforce_pb2.ListActiveEmployeesReply:
    metadata = [("authorization", f"Bearer {directory.token}")] if directory.token else []
    pause = directory.pause
    for tried in range(1, directory.tries + 1):
        try:
            reply: workforce_pb2.ListActiveEmployeesReply = stub.ListActiveEmployees(
                request, timeout=directory.deadline.total_seconds(), metadata=metadata
            )
        except grpc.RpcError as error:
            code: StatusCode = error.code()
            reason = f"{code.name}, {error.details()}"
            if code not in PASSING or tried == directory.tries:
                tries = f" (tried {tried} times)" if tried > 1 else ""
                raise DirectoryUnavailable(directory.target, number, f"{reason}{tries}") from error
            extra = {"action": "directory_asked_again", "page": number, "reason": reason}
            log.warning("the workforce directory is asked again", extra=extra)
            time.sleep(pause.total_seconds())
            pause *= 2
        else:
            return reply
    raise AssertionError("the last try returns or raises")


def _channel(directory: Directory) -> grpc.Channel:
    # By default a lost server is looked for after a second at the earliest, then ever more rarely.
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]
    if not directory.tls:
        return grpc.insecure_channel(directory.target, options)
    trusted = grpc.ssl_channel_credentials(directory.ca or None)
    return grpc.secure_channel(directory.target, trusted, options)
