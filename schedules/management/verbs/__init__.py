"""The verbs of `manage.py scheduler`, one subject a file, in the order the help lists them."""

from typing import Any

from schedules.management.verbs import (
    cleanup,
    contract,
    doctor,
    explain,
    health,
    install,
    jobs,
    next_times,
    one_run,
    pause_all,
    recover,
    runs,
    show,
    status,
    switching,
    token,
    trigger,
    verify,
)

VERBS: dict[str, Any] = {
    "status": status,
    "jobs": jobs,
    "show": show,
    "next": next_times,
    "enable": switching.enable,
    "disable": switching.disable,
    "pause": switching.pause,
    "resume": switching.resume,
    "pause-all": pause_all.halt,
    "resume-all": pause_all.go_on,
    "trigger": trigger,
    "runs": runs,
    "run": one_run.show,
    "retry": one_run.retry,
    "cancel": one_run.cancel,
    "verify": verify,
    "explain": explain,
    "cleanup": cleanup,
    "health": health,
    "doctor": doctor,
    "recover": recover,
    "install": install,
    "token": token,
    "openapi": contract.openapi,
    "types": contract.types,
}
"""A verb has HELP (its first line is the summary), `add_arguments` and `run`."""
