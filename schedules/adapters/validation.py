"""The checks that forms and interfaces make before anything is saved."""

from schedules.adapters.periodic import check_jitter, check_task
from schedules.adapters.periodic import check_job_arguments as check_arguments

__all__ = ["check_arguments", "check_jitter", "check_task"]
