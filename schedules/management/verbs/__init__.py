"""The verbs of `manage.py scheduler`, one file each, in the order the help lists them."""

from types import ModuleType

from schedules.management.verbs import (
    explain,
    install,
    jobs,
    next_times,
    runs,
    status,
    token,
    trigger,
    verify,
)

VERBS: dict[str, ModuleType] = {
    "status": status,
    "jobs": jobs,
    "next": next_times,
    "runs": runs,
    "trigger": trigger,
    "verify": verify,
    "explain": explain,
    "install": install,
    "token": token,
}
"""A verb's module has HELP (its first line is the summary), `add_arguments` and `run`."""
