"""Who may do what, and what was done: tokens for machines, permissions, groups, the record.

Interfaces ask here and nowhere else; none of these functions reads a clock or a request.
"""

from schedules.access.audit import Source, actor_name, gathered, record
from schedules.access.permissions import (
    MANAGE,
    OPERATE,
    VIEW,
    VIEW_DETAILS,
    may_manage,
    may_operate,
    may_view,
    may_view_details,
)
from schedules.access.roles import EMPLOYEE, HR_ADMIN, SCHEDULER_RIGHTS, SUPER_ADMIN
from schedules.access.throttle import Limit, forget_knocks, knock
from schedules.access.tokens import PREFIX, authenticate, create_token, revoke_token

__all__ = [
    "EMPLOYEE",
    "HR_ADMIN",
    "MANAGE",
    "OPERATE",
    "PREFIX",
    "SCHEDULER_RIGHTS",
    "SUPER_ADMIN",
    "VIEW",
    "VIEW_DETAILS",
    "Limit",
    "Source",
    "actor_name",
    "authenticate",
    "create_token",
    "forget_knocks",
    "gathered",
    "knock",
    "may_manage",
    "may_operate",
    "may_view",
    "may_view_details",
    "record",
    "revoke_token",
]
