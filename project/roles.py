"""What the three groups, which `schedules` makes, may do in the areas of the application."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.apps import apps as installed

from schedules.access import EMPLOYEE, HR_ADMIN, SCHEDULER_RIGHTS, SUPER_ADMIN

OWN = (
    "attendance.ask_for_leave",
    "attendance.clock_oneself",
    "meetings.hold_meetings",
    "people.see_oneself",
)
"""What concerns nobody but oneself."""

HR_MODELS = {
    ("attendance", "attendance"),
    ("attendance", "leaverequest"),
    ("people", "employee"),
}
"""What HR sees and changes as it likes."""


class Permission(NamedTuple):
    """A permission as Django names it: `app.codename`, and the model it hangs on."""

    app: str
    model: str
    codename: str
    name: str

    @property
    def label(self) -> str:
        """For example `people.view_employee`."""
        return f"{self.app}.{self.codename}"


def ensure_roles(apps: Any = installed) -> None:
    """Make the groups and give them their permissions. Safe to repeat; takes nothing away.

    `apps` is the registry of a migration. Django makes permissions only after all migrations, so
    those that are missing are made here.
    """
    groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    content_types = apps.get_model("contenttypes", "ContentType")
    made = {}
    for each in all_permissions():
        content_type, _ = content_types.objects.get_or_create(app_label=each.app, model=each.model)
        made[each.label], _ = permissions.objects.get_or_create(
            content_type=content_type, codename=each.codename, defaults={"name": each.name}
        )
    for role, labels in roles().items():
        group, _ = groups.objects.get_or_create(name=role)
        group.permissions.add(*(made[label] for label in labels))


def roles() -> dict[str, list[str]]:
    """Return the labels of each group's permissions."""
    everything = list(all_permissions())
    return {
        SUPER_ADMIN: [each.label for each in everything],
        HR_ADMIN: [
            *SCHEDULER_RIGHTS[HR_ADMIN],
            "attendance.add_punchlog",
            "attendance.view_punchlog",
            "reports.view_mailing",
            "meetings.hold_meetings",
            *(each.label for each in everything if (each.app, each.model) in HR_MODELS),
        ],
        EMPLOYEE: list(OWN),
    }


def all_permissions() -> Iterator[Permission]:
    """Yield the permissions of the scheduler and those of every area's models."""
    scheduler = installed.get_model("schedules", "Token")._meta
    for codename, name in scheduler.permissions:
        yield Permission("schedules", str(scheduler.model_name), codename, str(name))
    for area in installed.get_app_configs():
        for model in area.get_models() if area.name.startswith("tasks.") else ():
            of = model._meta
            named = [
                (f"{action}_{of.model_name}", f"Can {action} {of.verbose_name_raw}")
                for action in of.default_permissions
            ]
            for codename, name in [*named, *of.permissions]:
                yield Permission(area.label, str(of.model_name), codename, str(name))
