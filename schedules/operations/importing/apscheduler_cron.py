"""The fields of APScheduler's CronTrigger as one cron expression of five fields.

Weekdays are numbered from Monday as 0 there, and from Sunday here. There all fields must match, so
the day rule is `all`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schedules.operations.importing.found import NotCarried
from schedules.operations.importing.states import OBJECT

FIELDS = ("minute", "hour", "day", "month", "day_of_week")
LARGEST = {"minute": 59, "hour": 23, "day": 31, "month": 12, "day_of_week": 6, "second": 59}
EVERY_DAY = frozenset(range(7))

Expressions = Sequence[Mapping[str, Any]]


def seconds_between(fields: Mapping[str, Expressions]) -> int | None:
    """Return n where the trigger fires every n seconds and nothing else restricts it, else None."""
    expression = _only(fields["second"])
    if not any(_is(expression, "AllExpression") and _is_all(fields[name]) for name in FIELDS):
        return None
    step = expression["state"]["step"] or 1
    everything = all(_is_all(fields[name]) for name in (*FIELDS, "year", "week"))
    return int(step) if everything and 60 % step == 0 else None


def cron_expression(fields: Mapping[str, Expressions]) -> str:
    """Return the expression. Raises NotCarried for what five fields cannot say."""
    for name in ("year", "week"):
        if not _is_all(fields[name]):
            raise NotCarried(f"it is limited by {name} ({_shown(fields[name], name)})")
    if _tokens(fields["second"], "second") != ["0"]:
        shown = _shown(fields["second"], "second")
        raise NotCarried(f"it fires at the seconds {shown}; a cron timetable here has minutes")
    days = _days(fields["day"])
    weekdays = _weekdays(fields["day_of_week"])
    positions = [day for day in days if "#" in day or (day.endswith("L") and day != "L")]
    if positions:
        if weekdays != "*" or positions != days:
            raise NotCarried("it joins days by position, such as `1st mon`, with other days")
        days, weekdays = ["*"], ",".join(positions)
    texts = {name: ",".join(_tokens(fields[name], name)) for name in ("minute", "hour", "month")}
    return f"{texts['minute']} {texts['hour']} {','.join(days)} {texts['month']} {weekdays}"


def _tokens(expressions: Expressions, name: str) -> list[str]:
    tokens = [_token(expression, name) for expression in expressions]
    return ["*"] if "*" in tokens else tokens


def _token(expression: Mapping[str, Any], name: str) -> str:
    state = expression["state"] or {}
    step = f"/{state['step']}" if state.get("step") else ""
    if _is(expression, "AllExpression"):
        return f"*{step}"
    if not _is(expression, "RangeExpression") and not _is(expression, "MonthRangeExpression"):
        raise NotCarried(f"its {name} holds {expression[OBJECT]}, which nobody knows here")
    first, last = state["first"], state["last"]
    last = LARGEST.get(name, first) if last is None and step else last
    return f"{first}{step}" if last in (None, first) else f"{first}-{last}{step}"


def _days(expressions: Expressions) -> list[str]:
    tokens = []
    for expression in expressions:
        if _is(expression, "LastDayOfMonthExpression"):
            tokens.append("L")
        elif _is(expression, "WeekdayPositionExpression"):
            day = _from_sunday(expression["state"]["weekday"])
            place = expression["state"]["option_num"]
            tokens.append(f"{day}L" if place == 5 else f"{day}#{place + 1}")
        else:
            tokens.append(_token(expression, "day"))
    return ["*"] if "*" in tokens else tokens


def _weekdays(expressions: Expressions) -> str:
    days = {day for expression in expressions for day in _days_of(expression)}
    if days == EVERY_DAY:
        return "*"
    ordered = sorted(days)
    is_range = len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1))
    if is_range and ordered[-1] < 6:
        return f"{_from_sunday(ordered[0])}-{_from_sunday(ordered[-1])}"
    return ",".join(str(_from_sunday(day)) for day in ordered)


def _days_of(expression: Mapping[str, Any]) -> range:
    """Return the days of one expression, Monday as 0."""
    state = expression["state"] or {}
    step = state.get("step") or 1
    if _is(expression, "AllExpression"):
        return range(0, 7, step)
    first, last = state["first"], state["last"]
    if last is None:
        last = 6 if state.get("step") else first
    return range(first, last + 1, step)


def _from_sunday(day: int) -> int:
    return (day + 1) % 7


def _only(expressions: Expressions) -> Mapping[str, Any]:
    return expressions[0] if len(expressions) == 1 else {OBJECT: "several"}


def _is(expression: Mapping[str, Any], name: str) -> bool:
    return bool(expression[OBJECT] == name)


def _is_all(expressions: Expressions) -> bool:
    return any(_is(e, "AllExpression") and not e["state"]["step"] for e in expressions)


def _shown(expressions: Expressions, name: str) -> str:
    return ",".join(_token(expression, name) for expression in expressions)
