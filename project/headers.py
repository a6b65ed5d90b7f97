"""Security headers on every answer, also of static files and errors.

Django 6 has a Content-Security-Policy of its own, 5.2 has none; these lines serve both.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

from django.http import HttpRequest, HttpResponseBase

POLICY = (
    "default-src 'none'; script-src 'self'{}; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# The one page with a script in its text: django-celery-beat's form of a periodic task.
FORM = re.compile(r"/django_celery_beat/periodictask/(?:add|[0-9]+/change)/$")
SCRIPT = re.compile(rb'<script id="periodic-task-overrides">(.*?)</script>', re.DOTALL)


class SecurityHeaders:
    """Adds what an answer does not say itself; a page's own stricter policy stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer with the headers."""
        response = self._get_response(request)
        if "Content-Security-Policy" not in response.headers:
            response.headers["Content-Security-Policy"] = POLICY.format(_hash(request, response))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _hash(request: HttpRequest, response: HttpResponseBase) -> str:
    """Return the allowance for that page's own script, by its content; empty elsewhere."""
    if not FORM.search(request.path_info) or response.streaming:
        return ""
    script = SCRIPT.search(getattr(response, "content", b""))
    if script is None:
        return ""
    return f" 'sha256-{b64encode(sha256(script[1]).digest()).decode()}'"
