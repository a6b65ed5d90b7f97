"""The three groups of the application and what each may do."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps as installed

SUPER_ADMIN = "Super Admin"
HR_ADMIN = "HR Admin"
EMPLOYEE = "Employee"

PERMISSIONS = {
    "view_scheduler": "May see jobs and runs",
    "view_run_details": "May see arguments, results and tracebacks",
    "operate_scheduler": "May trigger, pause, resume, enable, disable, cancel",
    "manage_scheduler": "May create, change and delete jobs",
}
"""The scheduler's permissions, with the names that their model gives them."""

ROLES: dict[str, Sequence[str]] = {
    SUPER_ADMIN: tuple(PERMISSIONS),
    # What used to be called scheduled_job.read: jobs, and runs with their results.
    HR_ADMIN: ("view_scheduler", "view_run_details"),
    EMPLOYEE: (),
}


def ensure_roles(apps: Any = installed) -> None:
    """Make the groups and give them their permissions. Safe to repeat; takes nothing away.

    `apps` is the registry of a migration. Django makes permissions only after all migrations, so
    the scheduler's are made here if they are missing.
    """
    content_types = apps.get_model("contenttypes", "ContentType")
    content_type, _ = content_types.objects.get_or_create(app_label="schedules", model="token")
    permissions = {
        codename: apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=content_type, codename=codename, defaults={"name": name}
        )[0]
        for codename, name in PERMISSIONS.items()
    }
    for name, codenames in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.add(*(permissions[codename] for codename in codenames))
