"""Login forms with a limit: after too many failures a password is not even looked at."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from schedules.access import Limit, forget_knocks, knock
from schedules.querysets.clock import database_now

WINDOW = timedelta(minutes=5)
PER_NAME = Limit(tries=10, within=WINDOW)
PER_ADDRESS = Limit(tries=50, within=WINDOW)


class ThrottledForm(AuthenticationForm):
    """Logs in, unless the name or the address has failed too often in the last minutes."""

    def clean(self) -> dict[str, Any]:
        """Check the password. Raises ValidationError, without a look at it after too many tries."""
        name = str(self.cleaned_data.get("username", ""))
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        now = database_now()
        # The name counts for each address: whoever guesses elsewhere locks nobody out here.
        by_name = knock(PER_NAME, "login", name, address, now=now)
        by_address = by_name and knock(PER_ADDRESS, "login", address, now=now)
        if not by_address:
            minutes = int(WINDOW.total_seconds() // 60)
            raise ValidationError(
                f"Too many failed logins. Wait {minutes} minutes and try again.", code="throttled"
            )
        values: dict[str, Any] = super().clean()
        forget_knocks("login", name, address)
        by_address.delete()
        return values


class ThrottledAdminForm(ThrottledForm, AdminAuthenticationForm):
    """The same for the admin, which lets in staff only."""


admin.site.login_form = ThrottledAdminForm
