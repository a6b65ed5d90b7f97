"""`/readyz` and `/metrics`: for load balancers and for Prometheus."""

import hmac
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from schedules.access import VIEW, authenticate, may_view
from schedules.conf import options
from schedules.health import is_migrated
from schedules.metrics.page import exposition
from schedules.querysets.clock import database_now
from schedules.rest.problems import problem
from schedules.rest.rights import SCOPES


@login_not_required
@never_cache
@require_safe
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served: the database answers and has all its tables."""
    try:
        migrated = is_migrated()
    except (DatabaseError, OSError):
        parts, status = {"database": "down", "migrations": "unknown"}, 503
    else:
        parts = {"database": "ok", "migrations": "ok" if migrated else "pending"}
        status = 200 if migrated else 503
    return JsonResponse({"status": "ok" if status == 200 else "down", **parts}, status=status)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the figures, for `METRICS_TOKEN`, a token of ours, or who may see the scheduler.

    All three as everywhere: `Authorization: Bearer ...`, or a login.
    """
    if not _may_read(request):
        challenge = {"WWW-Authenticate": "Bearer"}
        return problem(401, "Send a token as `Authorization: Bearer …`.", headers=challenge)
    return HttpResponse(exposition(now=database_now()), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        user: Any = request.user
        return bool(user.is_authenticated and may_view(user))
    given, secret = given.strip(), options().metrics_token
    if secret and hmac.compare_digest(given.encode(), secret.encode()):
        return True
    token = authenticate(given, now=database_now())
    if token is None or not may_view(token.user):
        return False
    return not token.scope or VIEW in SCOPES.get(token.scope, ())
