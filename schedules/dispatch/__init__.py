"""From the timetable to the broker: plan what is due, publish it, repair what a crash left behind.

Order is the promise here: the rows are committed before the broker hears of them, so a crash at any
point leaves rows that the next tick finds in the outbox, never a message without a row.
"""

from schedules.dispatch.backfill import feed_backfills
from schedules.dispatch.broken import fail_unreadable, load, mend_after
from schedules.dispatch.calls import plan_call
from schedules.dispatch.edits import (
    absorb_edits,
    bring_into_force,
    note_orphans,
    read_invalid_again,
)
from schedules.dispatch.look_through import BrokenRows
from schedules.dispatch.lost_children import LostChildren
from schedules.dispatch.oneoffs import Call, Parked, cancel_parked, move_parked, park
from schedules.dispatch.outlook import Outlook, look_ahead
from schedules.dispatch.plan import plan_due
from schedules.dispatch.publish import publish, publish_after_commit
from schedules.dispatch.repair import end_expired, reap, take_outbox
from schedules.dispatch.versions import write_version
from schedules.dispatch.zone_data import renew_all

__all__ = [
    "BrokenRows",
    "Call",
    "LostChildren",
    "Outlook",
    "Parked",
    "absorb_edits",
    "bring_into_force",
    "cancel_parked",
    "end_expired",
    "fail_unreadable",
    "feed_backfills",
    "load",
    "look_ahead",
    "mend_after",
    "move_parked",
    "note_orphans",
    "park",
    "plan_call",
    "plan_due",
    "publish",
    "publish_after_commit",
    "read_invalid_again",
    "reap",
    "renew_all",
    "take_outbox",
    "write_version",
]
