"""What a change of the clock does to an occurrence, in words."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from schedules.timing import ClockMark


def mark_in_words(mark: ClockMark) -> str:
    """Return the mark as a phrase."""
    names = {
        "clock": f"{mark.clock:%H:%M}",
        "day": date_format(mark.day, "j F"),
        "until": f"{mark.until:%H:%M}" if mark.until else "",
    }
    match mark.kind:
        case "shifted":
            return _("%(clock)s does not exist on %(day)s; runs at %(until)s") % names
        case "passed_over":
            return _("%(clock)s to %(until)s does not exist on %(day)s") % names
        case "moved":
            words = _("moved from %(day)s, which the calendar does not allow") % names
            gap = _("%(clock)s does not exist here") % names
            return f"{words}; {gap}" if mark.until else words
        case "once":
            return _("%(clock)s is shown twice on %(day)s; runs the first time only") % names
        case "first":
            return _("%(clock)s is shown twice on %(day)s; this is the first time") % names
        case _second:
            return _("%(clock)s is shown twice on %(day)s; this is the second time") % names
