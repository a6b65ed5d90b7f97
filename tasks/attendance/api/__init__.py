"""`/attendance`: days and clocking, punches of the devices, requests for leave.

Whoever may only clock for himself sees and changes nothing of others.
"""

from ninja import Router

from tasks.attendance.api import days, leave, punches

router = Router(tags=["attendance"], by_alias=True)
for part in (days.router, punches.router, leave.router):
    router.add_router("", part)
