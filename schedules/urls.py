"""The addresses of the package, to be included at the root of a site."""

from django.urls import include, path

from schedules.api.debug import debug_scheduler
from schedules.api.probes import metrics, readyz
from schedules.api.site import PREFIX, api
from schedules.dashboard.health_page import healthz
from schedules.dashboard.urls import pages

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("debug/scheduler", debug_scheduler, name="debug_scheduler"),
    path(PREFIX, api.urls),
    path("scheduler/", include((pages, "scheduler"))),
]
