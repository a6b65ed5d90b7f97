"""The addresses of the package, to be included at the root of a site."""

from django.urls import include, path

from schedules.dashboard.health_page import healthz
from schedules.dashboard.views import overview

pages = [
    path("", overview, name="overview"),
]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("scheduler/", include((pages, "scheduler"))),
]
