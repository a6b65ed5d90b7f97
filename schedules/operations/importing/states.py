"""The values in what `unpickle` answers: its encoded objects as instants, durations and zones."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from schedules.errors import InvalidInput
from schedules.operations.importing.found import NotCarried
from schedules.operations.importing.unpickle import OBJECT
from schedules.timing.zones import zone_named

__all__ = ["OBJECT", "instant", "json_value", "length", "zone_name"]


def zone_name(value: Any) -> str:
    """Return the name of a zone. Raises NotCarried for one without a name that is known here."""
    name = value.get("state") if isinstance(value, Mapping) else None
    if not isinstance(name, str):
        raise NotCarried("its time zone has no name, only an offset")
    return _known(name)


def instant(value: Any) -> datetime | None:
    """Return an instant in UTC, None for None. Raises NotCarried for one without a zone."""
    if value is None:
        return None
    state = _state(value, "datetime")
    wall = datetime.fromisoformat(state["wall"]).replace(fold=state["fold"])
    if state["offset"] is not None:
        zone: Any = timezone(timedelta(seconds=state["offset"]))
    elif state["zone"] is not None:
        zone = zone_named(_known(state["zone"]))
    else:
        raise NotCarried(f"its date {state['wall']} has no time zone")
    return wall.replace(tzinfo=zone).astimezone(UTC)


def length(value: Any) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=_state(value, "timedelta"))


def json_value(value: Any) -> Any:
    """Return an argument as plain JSON: dates become ISO text.

    Raises NotCarried for other objects.
    """
    if isinstance(value, list):
        return [json_value(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    kind = value.get(OBJECT)
    if kind is None:
        return {key: json_value(inner) for key, inner in value.items()}
    if kind == "text":
        return value["state"]
    if kind != "datetime":
        raise NotCarried(f"its arguments hold a {kind}")
    state = value["state"]
    if state["offset"] is None and state["zone"] is None:
        return state["wall"]
    moment = instant(value)
    assert moment is not None
    return moment.isoformat()


def _state(value: Any, kind: str) -> Any:
    if not isinstance(value, Mapping) or value.get(OBJECT) != kind:
        raise NotCarried(f"it holds something else where a {kind} belongs")
    return value["state"]


def _known(name: str) -> str:
    try:
        return zone_named(name).key
    except InvalidInput as error:
        raise NotCarried(str(error)) from None
