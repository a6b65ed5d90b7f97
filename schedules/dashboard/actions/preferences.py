"""What a browser remembers about its reader: whose clock, which language."""

from django.conf import settings
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language

from schedules.access import may_view
from schedules.dashboard.guard import action
from schedules.dashboard.reader import CLOCK_COOKIE, JOB, MINE, UTC_CLOCK, Reader, known_zone

A_YEAR = 365 * 24 * 3600  # seconds


@action(may_view)
def preferences(reader: Reader) -> HttpResponse:
    """Set the cookie of the clock or of the language, and go back to the page."""
    request = reader.request
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        back = reverse("scheduler:overview")
    response = HttpResponseRedirect(back)
    clock, language = request.POST.get("clock"), request.POST.get("language", "")
    if clock in (JOB, UTC_CLOCK, MINE):
        zone = known_zone(request.POST.get("zone", ""))
        _remember(response, CLOCK_COOKIE, f"{clock} {zone}", is_secure=request.is_secure())
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        name = settings.LANGUAGE_COOKIE_NAME
        _remember(response, name, language, is_secure=request.is_secure())
    return response


def _remember(response: HttpResponse, name: str, value: str, *, is_secure: bool) -> None:
    response.set_cookie(
        name, value, max_age=A_YEAR, samesite="Lax", httponly=True, secure=is_secure
    )
