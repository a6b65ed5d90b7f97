"""Backfills in words: which occurrences one runs, and how an occurrence stood before it."""

from django.utils.translation import gettext_lazy as _

from schedules.operations.backfill import FAILURE, NEVER, OPEN, SUCCESS, UNKNOWN
from schedules.states import Which

WHICH = {
    Which.MISSED: _("what never ran"),
    Which.FAILED: _("what failed"),
    Which.ALL: _("all of them"),
}

STOOD = {
    NEVER: _("never ran"),
    FAILURE: _("failed"),
    SUCCESS: _("succeeded"),
    OPEN: _("open"),
    UNKNOWN: _("unknown: its row is deleted"),
}
