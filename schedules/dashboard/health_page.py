"""`/healthz`, for load balancers, containers and monitors."""

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from schedules.health import Overall, check_health


@login_not_required
@never_cache
@require_safe
# Outside any transaction of the request: it must answer when none can be begun.
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when all is well, else 503; the body says which part is down, and no more."""
    health = check_health()
    return JsonResponse(health.as_dict(), status=200 if health.status is Overall.OK else 503)
