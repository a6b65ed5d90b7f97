"""The addresses: the admin, the login pages, and what `schedules` serves (pages, API, healthz)."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from project import api  # noqa: F401 - adds the areas' routers before `schedules.urls` is read
from schedules.admin.login import ThrottledForm
from schedules.rest.problems import not_found

admin.autodiscover()  # before `admin.site.urls` asks which pages there are


def favicon(request: HttpRequest) -> HttpResponse:
    """Send browsers on to the icon where a page names none: the admin's, and answers of the API."""
    return redirect(static("schedules/icon.svg"))


urlpatterns = [
    path("favicon.ico", favicon),
    path("", RedirectView.as_view(pattern_name="scheduler:overview"), name="home"),
    path("admin/", admin.site.urls),
    path(
        "login/",
        LoginView.as_view(template_name="admin/login.html", authentication_form=ThrottledForm),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include("schedules.urls")),
    re_path(r"^api(/|$)", not_found),
]
