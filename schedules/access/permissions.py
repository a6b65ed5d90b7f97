"""The four permissions and the questions about them. Whatever is not granted is denied."""

from typing import Protocol

VIEW = "schedules.view_scheduler"
VIEW_DETAILS = "schedules.view_run_details"
OPERATE = "schedules.operate_scheduler"
MANAGE = "schedules.manage_scheduler"


class Actor(Protocol):
    """Anyone who can be asked for a permission: a user, or the anonymous one."""

    def has_perm(self, perm: str) -> bool:
        """Whether the permission is granted; always False for an inactive user."""
        ...


def may_view(user: Actor) -> bool:
    """Whether the user may see jobs and runs, without what went into and came out of a run."""
    return any(user.has_perm(permission) for permission in (VIEW, OPERATE, MANAGE))


def may_view_details(user: Actor) -> bool:
    """Whether the user may see arguments, results, tracebacks and log lines."""
    return user.has_perm(VIEW_DETAILS)


def may_operate(user: Actor) -> bool:
    """Whether the user may trigger, pause, resume, enable, disable and cancel."""
    return user.has_perm(OPERATE)


def may_manage(user: Actor) -> bool:
    """Whether the user may create, change and delete jobs."""
    return user.has_perm(MANAGE)
