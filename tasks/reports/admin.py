"""The mailings in Django's admin, to be read."""

from django.contrib import admin
from django.http import HttpRequest

from schedules.public.admin import OverDamage
from tasks.reports.models import Mailing


@admin.register(Mailing)
class MailingAdmin(OverDamage):
    """Deleting a row lets the report go out once more when its job runs for that date."""

    list_display = ["nominal_on", "report", "recipient", "state", "claimed_at", "error"]
    list_filter = ["report", "state"]
    date_hierarchy = "nominal_on"
    search_fields = ["recipient"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are written by the jobs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Mailing | None = None) -> bool:
        """The same."""
        return False
