"""Django's admin, imported page by page only where somebody can look at it.

`django.contrib.admin` imports every area's pages in every process. A Beat and a worker show none:
without them they start a tenth sooner and are smaller.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class AdminApp(SimpleAdminConfig):
    """The admin without its pages. The addresses bring them (`project.urls`), and so does a
    check.
    """

    def ready(self) -> None:
        """Register the admin's checks."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(
    app_configs: Sequence[AppConfig] | None, **options: Any
) -> list[checks.CheckMessage]:
    """Return what is wrong with the pages of all areas."""
    autodiscover()
    found: list[checks.CheckMessage] = check_admin_app(app_configs, **options)
    return found
