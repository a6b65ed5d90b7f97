"""What every page of the dashboard asks and says before it shows anything."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from schedules.access import may_view

Page = Callable[[HttpRequest], HttpResponse]

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
"""No script, and nothing from elsewhere: a stored text that became markup could do nothing."""


def guarded(page: Page) -> Page:
    """Wrap a page that only shows: for staff who may view the scheduler, kept by no cache.

    Others are sent to the login, or refused when they are logged in.
    """

    @wraps(page)
    def checked(request: HttpRequest) -> HttpResponse:
        if not (request.user.is_staff and may_view(request.user)):
            raise PermissionDenied
        response = page(request)
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return never_cache(require_safe(login_required(checked)))
