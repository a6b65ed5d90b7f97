"""The addresses of the package, to be included at the root of a site."""

from django.urls import include, path

from schedules.api.debug import debug_scheduler
from schedules.api.probes import metrics, readyz
from schedules.api.site import PREFIX, api
from schedules.dashboard.health_page import healthz
from schedules.dashboard.urls import pages

PROBES = (("healthz", healthz), ("readyz", readyz), ("metrics", metrics))
"""At the root, where load balancers and Prometheus look, and beside the rest of the API."""

urlpatterns = [
    *(path(name, view, name=name) for name, view in PROBES),
    *(path(f"{PREFIX}scheduler/{name}", view) for name, view in PROBES),
    path("debug/scheduler", debug_scheduler, name="debug_scheduler"),
    path(PREFIX, api.urls),
    path("scheduler/", include((pages, "scheduler"))),
]
