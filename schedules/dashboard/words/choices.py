"""Names of choices in forms and filters."""

from django.utils.translation import gettext_lazy as _

from schedules.states import After, DayOff, OnLost, Overlap

OVERLAPS = (
    (Overlap.SKIP.value, _("skip what comes due meanwhile")),
    (Overlap.QUEUE_ONE.value, _("let one wait")),
    (Overlap.QUEUE_ALL.value, _("let all wait")),
    (Overlap.CANCEL_RUNNING.value, _("cancel the running one")),
    (Overlap.ALLOW.value, _("allow up to the most at once")),
)

ON_LOST = (
    (OnLost.RETRY.value, _("run it again")),
    (OnLost.FAIL.value, _("end it as lost")),
)

DAY_RULES = (
    ("any", _("any: one of the two is enough")),
    ("all", _("all: both must fit")),
)

DAYS_OFF = (
    (DayOff.SKIP.value, _("do not run")),
    (DayOff.NEXT_DAY.value, _("run at the same time of the next allowed day")),
)

AFTER = {
    After.SUCCEEDED: _("succeeded"),
    After.FAILED: _("failed, lost or timed out"),
    After.ENDED: _("ended, however it did"),
}
"""How a run must have ended for another job to run after it."""

OWNERS = (
    ("declared", _("declared in code")),
    ("drifted", _("declared, and changed")),
    ("operator", _("made by an operator")),
)
"""Where a job comes from, and whether an operator has changed what code declares."""
