"""A page that fails because SQL has broken a job or a run is shown once that is set aside."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from schedules.dispatch import mend_after
from schedules.querysets.clock import database_now


class MendBrokenRows:
    """Sets broken rows aside where a page was refused by them, and sends the browser there again.

    Once: what fails without a broken row is an error like any other.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer."""
        return self._get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Return the way back to the same page if there was something to set aside."""
        if request.method == "GET" and mend_after(exception, now=database_now()):
            return HttpResponseRedirect(request.get_full_path())
        return None
