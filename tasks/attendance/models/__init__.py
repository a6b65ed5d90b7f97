"""What the attendance keeps: days, punches of the clocks, requests for leave."""

from tasks.attendance.models.day import Attendance, Source, Status
from tasks.attendance.models.leave import STANDING, LeaveRequest
from tasks.attendance.models.punch import Direction, PunchLog, PunchState

__all__ = [
    "STANDING",
    "Attendance",
    "Direction",
    "LeaveRequest",
    "PunchLog",
    "PunchState",
    "Source",
    "Status",
]
