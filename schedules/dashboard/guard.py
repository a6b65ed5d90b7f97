"""What every page of the dashboard asks and says before it shows or does anything."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from schedules.access import may_view
from schedules.access.permissions import Actor
from schedules.dashboard.reader import Reader, reader_of

View = Callable[..., HttpResponseBase]
Page = Callable[Concatenate[Reader, ...], HttpResponseBase]

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing inline and nothing from elsewhere: a stored text that became markup could do nothing."""


def page(shown: Page) -> View:
    """Make a view of a function that shows a page: for staff who may view the scheduler.

    The function gets a Reader and what the address names. Others are sent to the login, or refused
    when they are logged in. No cache keeps it.
    """

    @wraps(shown)
    def checked(request: HttpRequest, **named: Any) -> HttpResponseBase:
        return _answer(shown, request, named, may=may_view)

    return never_cache(require_safe(login_required(checked)))


def action(may: Callable[[Actor], bool]) -> Callable[[Page], View]:
    """Make a view of a function that asks (GET) and acts (POST), for staff with the right `may`.

    As `page`; what is sent must carry the form's token.
    """

    def make(done: Page) -> View:
        @wraps(done)
        def checked(request: HttpRequest, **named: Any) -> HttpResponseBase:
            return _answer(done, request, named, may=may)

        methods = require_http_methods(["GET", "HEAD", "POST"])
        return never_cache(methods(csrf_protect(login_required(checked))))

    return make


def show(
    reader: Reader, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page for its reader."""
    return render(reader.request, template, {"reader": reader, **context}, status=status)


def _answer(
    view: Page, request: HttpRequest, named: dict[str, Any], *, may: Callable[[Actor], bool]
) -> HttpResponseBase:
    user = request.user
    if not (user.is_staff and may_view(user) and may(user)):
        raise PermissionDenied
    response = view(reader_of(request), **named)
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
