"""The addresses of the shop."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls)]

urlpatterns += [path("ops/", include("schedules.urls"))]
