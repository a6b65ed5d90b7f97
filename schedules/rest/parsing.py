"""Reading a body: JSON of bounded size and depth. What it says is looked at by its model."""

import json
import re
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.parser import Parser

MOST_BYTES = 64 * 1024
MOST_BYTES_OF_A_FILE = 2_500_000
"""At the addresses that take a file; Django itself reads a little more."""

WITH_A_FILE = re.compile(r"(/scheduler/(plan|apply|simulate)|/calendars(/[^/]+(/import)?)?)/?\Z")
"""What such an address ends with; a calendar's dates may be as many as a file's."""
DEEPEST = 20
WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Refusal(HttpError):
    """A body that is not looked at any further."""


class BoundedParser(Parser):
    """Ninja's parser, for bodies from strangers."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the JSON value. Raises Refusal: 413 too large, 415 not JSON, 422 too deep."""
        check_size(request)
        if request.content_type != "application/json":
            raise Refusal(415, f"Send application/json, not {request.content_type or 'nothing'!r}.")
        try:
            value = json.loads(request.body, parse_constant=_refuse_constant)
        except RecursionError:
            raise Refusal(422, f"The body is nested deeper than {DEEPEST} levels.") from None
        _check_depth(value, DEEPEST)
        return value


def check_size(request: HttpRequest) -> None:
    """Raise Refusal for a body above the limit, before it is read."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        length = 0
    takes_a_file = WITH_A_FILE.search(request.path_info)
    most = MOST_BYTES_OF_A_FILE if takes_a_file else MOST_BYTES
    if length > most:
        raise Refusal(413, f"The body has {length} bytes; at most {most} are read.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any, depth: int) -> None:
    if depth < 0:
        raise Refusal(422, f"The body is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        _check_depth(inner, depth - 1)
