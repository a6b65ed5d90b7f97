"""The one API object: the routers, the document, and the addresses under the prefix."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, re_path, resolve
from django.utils.cache import patch_cache_control
from ninja import NinjaAPI, Swagger
from ninja.openapi.schema import OpenAPISchema

from schedules.api import (
    alerts,
    as_code,
    backfills,
    calendars,
    dependencies,
    document,
    jobs,
    occurrences,
    preview,
    recovery,
    runs,
    scheduled_jobs,
    scheduler,
    simulate,
    upkeep,
)
from schedules.api.docs import docs_view
from schedules.rest.parameters import known_only
from schedules.rest.parsing import BoundedParser, Refusal, check_size
from schedules.rest.problems import handle_all, not_found, problem
from schedules.rest.rights import NOBODY, needs

VERSION = "1.0.0"
PREFIX = "api/v1/"
"""Where the addresses of the document begin; `urls` includes them there."""


class SchedulerAPI(NinjaAPI):
    """Ninja's API with problems for every refusal and an address for everything else."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the OpenAPI 3.1 document, with the addresses that the site gives the API."""
        # Asking for the address reads the site's addresses, and with them a project's own routers.
        prefix = self.get_root_path({}) if path_prefix is None else path_prefix
        return document.build(self, prefix)

    def _get_urls(self) -> list[Any]:
        addresses: list[Any] = [
            re_path(r"^openapi\.json$", self._document, name="openapi-json"),
            re_path(r"^docs$", docs_view(self.get_openapi_schema), name="docs"),
            *super()._get_urls(),
        ]
        for address in addresses:
            if isinstance(address, URLPattern):
                address.callback = _answered(address.callback)
        slashed = re_path(r"^(?P<address>.*[^/])/$", _without_slash)
        return [*addresses, slashed, re_path(r"^.*$", _answered(not_found))]

    def _document(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return JsonResponse(self.get_openapi_schema())


def _answered(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """Wrap a view: bounded bodies, HEAD wherever there is GET, a problem for a wrong method,
    nothing kept by caches.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            check_size(request)
        except Refusal as refusal:
            return problem(refusal.status_code, str(refusal))
        try:
            response = _dispatched(view, request, *args, **kwargs)
        except Http404:  # ninja's own page at the root
            response = not_found(request)
        if isinstance(response, HttpResponseNotAllowed):
            methods = set(response.headers["Allow"].split(", "))
            allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
            detail = f"{request.method} is not possible here; {allowed} is."
            response = problem(405, detail, headers={"Allow": allowed})
        patch_cache_control(response, private=True, no_store=True)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    answer.csrf_exempt = True  # type: ignore[attr-defined]  # asked by `rights`, of sessions only
    return answer


def _dispatched(
    view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
) -> HttpResponse:
    """Ask the view; for HEAD what it answers to GET, of which the web server leaves the body out.

    Ninja looks for an operation of the very method, and the document would name each one twice.
    """
    if request.method != "HEAD":
        return view(request, *args, **kwargs)
    request.method = "GET"
    try:
        return view(request, *args, **kwargs)
    finally:
        request.method = "HEAD"


def _without_slash(request: HttpRequest, address: str) -> HttpResponse:
    """Answer at an address that ends in a slash what is answered without it."""
    match = resolve(request.path_info.removesuffix("/"))
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response


_without_slash.csrf_exempt = True  # type: ignore[attr-defined]  # as above


api = SchedulerAPI(
    title="Scheduler",
    version=VERSION,
    description=(
        "Jobs, their timetables, and what became of every occurrence. Instants are ISO 8601 in UTC."
    ),
    auth=needs(NOBODY),
    parser=BoundedParser(),
    openapi_url=None,
    docs=Swagger(),
    docs_url=None,
    urls_namespace="scheduler-api",
)
handle_all(api)
api.add_decorator(known_only, mode="view")  # around its `run`
api.add_router("/scheduler", preview.router)  # before a job could be called so
api.add_router("/scheduler", jobs.router)
api.add_router("/scheduler", occurrences.router)
api.add_router("/scheduler", dependencies.router)
api.add_router("/scheduler", backfills.router)
api.add_router("/scheduler", calendars.router)
api.add_router("/scheduler", as_code.router)
api.add_router("/scheduler", simulate.router)
api.add_router("/scheduler", runs.router)
api.add_router("/scheduler", recovery.router)
api.add_router("/scheduler", scheduler.router)
api.add_router("/scheduler", upkeep.router)
api.add_router("/scheduler", alerts.router)
api.add_router("/scheduled-jobs", scheduled_jobs.router)
