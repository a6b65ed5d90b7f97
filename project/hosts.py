"""Host names that are not ours: the API says so in its own form, as it says everything else."""

import logging
import re
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from schedules.rest.problems import problem

log = logging.getLogger("django.security.DisallowedHost")

OF_THE_API = re.compile(r"/api(/|$)")
SHOWN = 100


class KnownHost:
    """Answers requests for the API under a foreign host name with a problem."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer; 400 where ALLOWED_HOSTS does not have the name."""
        if OF_THE_API.match(request.path_info):
            try:
                request.get_host()
            except DisallowedHost as error:
                log.warning("%s", error, extra={"action": "foreign_host"})
                found = request.headers.get("Host", "")[:SHOWN]
                return problem(400, f"The Host is {found!r}: a name that ALLOWED_HOSTS has.")
        return self._get_response(request)
