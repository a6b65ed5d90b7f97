"""The tables. Models hold fields, constraints and predicates about their own row; no workflow and
no I/O.
"""

from schedules.models.access import AuditEntry, Knock, Token
from schedules.models.alerts import Alert, AlertChannel, AlertEpisode, AlertRule, Delivery
from schedules.models.backfill import Backfill
from schedules.models.change import OccurrenceChange
from schedules.models.day_total import DayTotal
from schedules.models.dependency import Dependency
from schedules.models.engine import GlobalPause, Instance, MadeSchedule, Touched, Watermark
from schedules.models.job import Calendar, Job, ScheduleVersion, TaskFunction
from schedules.models.run import Attempt, Run
from schedules.models.tally import Tally
from schedules.models.verdict import Verdict

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertEpisode",
    "AlertRule",
    "Attempt",
    "AuditEntry",
    "Backfill",
    "Calendar",
    "DayTotal",
    "Delivery",
    "Dependency",
    "GlobalPause",
    "Instance",
    "Job",
    "Knock",
    "MadeSchedule",
    "OccurrenceChange",
    "Run",
    "ScheduleVersion",
    "Tally",
    "TaskFunction",
    "Token",
    "Touched",
    "Verdict",
    "Watermark",
]
