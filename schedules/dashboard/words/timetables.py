"""A timetable in words. What has no plain wording is shown as it was entered."""

from datetime import UTC, timedelta

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from schedules.dashboard.words.lengths import length
from schedules.models import Job
from schedules.operations.upcoming import timetable_of
from schedules.timing import At, Cron, Every, OnDays, Solar, Timetable, Window, core_of

MOST_TIMES = 4
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = tuple("jan feb mar apr may jun jul aug sep oct nov dec".split())  # noqa: SIM905
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def timetable_in_words(job: Job) -> str:
    """Return when the job runs; why not, where it has no timetable to go by."""
    timetable = timetable_of(job)
    if timetable is None:
        return _("no timetable") if not job.timetable else _("not readable")
    return in_words(timetable)


def as_entered(job: Job) -> str:
    """Return the expression behind the words, where it is one; otherwise nothing."""
    timetable = timetable_of(job)
    inner = None if timetable is None else core_of(timetable)
    return inner.expression if isinstance(inner, Cron) else ""


def in_words(timetable: Timetable) -> str:
    """Return the timetable as a phrase, without its zone."""
    match timetable:
        case Cron():
            return _cron(timetable) or timetable.expression
        case Every():
            return _every(timetable.interval)
        case At():
            shown = date_format(timetable.instant.astimezone(UTC), "j M Y H:i")
            return _("once, on %(date)s UTC") % {"date": shown}
        case Solar():
            place = f"{timetable.latitude}, {timetable.longitude}"
            event = timetable.event.replace("_", " ")
            return _("at %(event)s at %(place)s") % {"event": event, "place": place}
        case OnDays():
            return _on_days(timetable)
        case Window():
            return _window(timetable)
    return str(timetable)


def _on_days(by_calendar: OnDays) -> str:
    names = {"timetable": in_words(by_calendar.timetable), "calendar": by_calendar.days.name}
    if by_calendar.day_off == "next_day":
        return _("%(timetable)s, or on the next allowed day of %(calendar)s") % names
    return _("%(timetable)s, on the allowed days of %(calendar)s") % names


def _window(window: Window) -> str:
    words = in_words(window.timetable)
    if window.starts_at is not None:
        date = date_format(window.starts_at, "j M Y")
        words = _("%(timetable)s, from %(date)s") % {"timetable": words, "date": date}
    if window.ends_at is not None:
        date = date_format(window.ends_at, "j M Y")
        words = _("%(timetable)s, until %(date)s") % {"timetable": words, "date": date}
    return words


def _every(interval: timedelta) -> str:
    named = {
        timedelta(seconds=1): _("every second"),
        timedelta(minutes=1): _("every minute"),
        timedelta(hours=1): _("every hour"),
        timedelta(days=1): _("every 24 hours"),
    }
    return named.get(interval) or _("every %(length)s") % {"length": length(interval)}


def _cron(cron: Cron) -> str | None:
    fields = _MACROS.get(cron.expression.lower(), cron.expression).split()
    if len(fields) != 5:
        return None
    minute, hour, month_day, month, weekday = (field.lower() for field in fields)
    time = _clock_times(minute, hour)
    rhythm = None if time else _rhythm(minute, hour)
    days = _which_days(month_day, weekday)
    months = _which_months(month)
    if (time is None and rhythm is None) or days is None or months is None:
        return None
    if time is not None:
        words = (
            _("%(days)s at %(times)s") % {"days": days, "times": time}
            if days
            else _("every day at %(times)s") % {"times": time}
        )
    else:
        words = (
            _("%(rhythm)s, %(days)s") % {"rhythm": rhythm, "days": days} if days else str(rhythm)
        )
    return _("%(words)s, in %(months)s") % {"words": words, "months": months} if months else words


def _clock_times(minute: str, hour: str) -> str | None:
    """`09:00, 17:30` where both fields are short lists of numbers."""
    minutes, hours = _numbers(minute), _numbers(hour)
    if not minutes or not hours or len(minutes) * len(hours) > MOST_TIMES:
        return None
    return _joined([f"{h:02}:{m:02}" for h in hours for m in minutes])


def _rhythm(minute: str, hour: str) -> str | None:
    """How often within the day, where it is a plain step."""
    base = _minutes_rhythm(minute)
    if hour == "*":
        return base
    if _is_step(hour) and (minutes := _numbers(minute)) and len(minutes) == 1:
        values = {"number": hour[2:], "minute": f":{minutes[0]:02}"}
        return _("every %(number)s hours at %(minute)s") % values
    span = _span(hour)
    if base is None or span is None:
        return None
    first, last = span
    clock = {"rhythm": base, "first": f"{first:02}:00", "last": f"{last:02}:59"}
    return _("%(rhythm)s from %(first)s to %(last)s") % clock


def _minutes_rhythm(minute: str) -> str | None:
    if minute in ("*", "*/1"):
        return _("every minute")
    if _is_step(minute):
        return _("every %(number)s minutes") % {"number": minute[2:]}
    minutes = _numbers(minute)
    if minutes and len(minutes) <= MOST_TIMES:
        return _("every hour at %(minutes)s") % {"minutes": _joined([f":{m:02}" for m in minutes])}
    return None


def _which_days(month_day: str, weekday: str) -> str | None:
    """The days, "" for every day, None where words fail."""
    if month_day == "*" and weekday == "*":
        return ""
    if weekday == "*":
        if month_day == "l":
            return _("on the last day of the month")
        days = _numbers(month_day)
        return (
            _("on day %(days)s of the month") % {"days": _joined([*map(str, days)])}
            if (days)
            else None
        )
    if month_day != "*":
        return None
    if (span := _span(weekday, _DAYS)) is not None:
        first, last = (str(WEEKDAYS[(day - 1) % 7]) for day in span)
        return _("%(first)s to %(last)s") % {"first": first, "last": last}
    numbers = _numbers(weekday, _DAYS)
    if not numbers:
        return None
    return _("on %(days)s") % {"days": _joined([str(WEEKDAYS[(day - 1) % 7]) for day in numbers])}


def _which_months(month: str) -> str | None:
    if month == "*":
        return ""
    numbers = _numbers(month, ("", *_MONTHS))
    return _joined([str(MONTHS[number]) for number in numbers]) if numbers else None


def _is_step(field: str) -> bool:
    return field.startswith("*/") and field[2:].isdecimal()


def _span(field: str, names: tuple[str, ...] = ()) -> tuple[int, int] | None:
    first, dash, last = field.partition("-")
    numbers = [_number(first, names), _number(last, names)]
    if not dash or None in numbers:
        return None
    return numbers[0] or 0, numbers[1] or 0


def _numbers(field: str, names: tuple[str, ...] = ()) -> list[int] | None:
    numbers = [_number(part, names) for part in field.split(",")]
    return None if None in numbers else [number for number in numbers if number is not None]


def _number(text: str, names: tuple[str, ...]) -> int | None:
    if text.isdecimal():
        return int(text)
    return names.index(text) if text and text in names else None


def _joined(parts: list[str]) -> str:
    return pgettext("between the parts of a list", ", ").join(parts)
