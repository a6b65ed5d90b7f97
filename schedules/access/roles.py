"""The three groups that come with the scheduler, and what each may do with it."""

from typing import Any

from schedules.access.permissions import MANAGE, OPERATE, VIEW, VIEW_DETAILS

SUPER_ADMIN = "Super Admin"
HR_ADMIN = "HR Admin"
EMPLOYEE = "Employee"

SCHEDULER_RIGHTS: dict[str, tuple[str, ...]] = {
    SUPER_ADMIN: (VIEW, VIEW_DETAILS, OPERATE, MANAGE),
    # What used to be called scheduled_job.read: jobs, and runs with their results.
    HR_ADMIN: (VIEW, VIEW_DETAILS),
    EMPLOYEE: (),
}
"""A project gives the groups what its own apps have beside this."""


def ensure_groups(apps: Any, *, names: dict[str, str]) -> None:
    """Make the groups with their permissions of the scheduler. Safe to repeat; takes nothing away.

    `apps` is the registry of a migration. Django makes permissions only after all migrations, so
    those that are missing are made here; `names` are theirs, by codename.
    """
    groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    content_types = apps.get_model("contenttypes", "ContentType")
    content_type, _ = content_types.objects.get_or_create(app_label="schedules", model="token")
    made = {
        f"schedules.{codename}": permissions.objects.get_or_create(
            content_type=content_type, codename=codename, defaults={"name": name}
        )[0]
        for codename, name in names.items()
    }
    for role, labels in SCHEDULER_RIGHTS.items():
        group, _ = groups.objects.get_or_create(name=role)
        group.permissions.add(*(made[label] for label in labels))
