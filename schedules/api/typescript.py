"""The TypeScript types of the API's clients, written from the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

HEADER = """\
// Written by `manage.py scheduler types` from the OpenAPI document; do not edit.
// A field that may be null or missing in JSON is optional here.
"""

RENAMED = {
    "Word": "FixedWord",
    "TaskFunctionReply": "TaskFunction",
    "AlertChannelReply": "AlertChannel",
    "AlertRuleReply": "AlertRule",
    "AlertReply": "Alert",
    "DeliveryReply": "AlertDelivery",
}
ROOTS = (
    "ScheduledJob",
    "ScheduledJobExecution",
    "JobActionRequest",
    "JobActionResponse",
    "SchedulerStatus",
    "JobCreate",
    "JobUpdate",
    "JobPage",
    "ExecutionPage",
    "ExecutionDetails",
    "TaskFunctionReply",
    "Word",
    "CleanupRequest",
    "CleanupReply",
    "AlertChannelReply",
    "AlertRuleReply",
    "RuleCreate",
    "RuleUpdate",
    "ChannelCreate",
    "ChannelUpdate",
    "DeliveryPage",
    "CalendarReply",
    "CalendarCreate",
    "CalendarUpdate",
    "JobPreviewRequest",
    "JobPreview",
    "NextRuns",
    "OccurrenceRequest",
    "Problem",
)
"""What a client of the scheduler's API names; what these refer to comes with them."""

ACTION = ("JobActionRequest", "action", "JobAction")
"""A union that has a name of its own, because clients use it by that name."""


def write_types(document: Mapping[str, Any]) -> str:
    """Return the file: one interface for each schema, by the names that clients know."""
    schemas = document["components"]["schemas"]
    parts = [HEADER]
    for name in _with_what_they_name(schemas):
        if name == ACTION[0]:
            union = _type(schemas[name]["properties"][ACTION[1]])
            parts.append(f"export type {ACTION[2]} = {union};\n")
        parts.append(_interface(name, schemas[name]))
    return "\n".join(parts)


def _with_what_they_name(schemas: Mapping[str, Any]) -> list[str]:
    wanted = [name for name in ROOTS if name in schemas]
    for name in wanted:
        wanted += [other for other in _named(schemas[name]) if other not in wanted]
    return list(dict.fromkeys(wanted))


def _named(schema: Any) -> list[str]:
    if isinstance(schema, Mapping):
        found = [str(schema["$ref"]).rpartition("/")[2]] if "$ref" in schema else []
        return found + [name for inner in schema.values() for name in _named(inner)]
    if isinstance(schema, list):
        return [name for inner in schema for name in _named(inner)]
    return []


def _interface(name: str, schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    lines = [f"export interface {RENAMED.get(name, name)} {{"]
    for field, kind in schema.get("properties", {}).items():
        is_action = (name, field) == ACTION[:2]
        optional = field not in required or _is_nullable(kind)
        words = ACTION[2] if is_action else _type(kind)
        lines.append(f"  {field}{'?' if optional else ''}: {words};")
    return "\n".join([*lines, "}\n"])


def _is_nullable(schema: Mapping[str, Any]) -> bool:
    return any(choice.get("type") == "null" for choice in schema.get("anyOf", ()))


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return RENAMED.get(name, name)
    for word in ("anyOf", "allOf", "oneOf"):
        if word in schema:
            choices = [choice for choice in schema[word] if choice.get("type") != "null"]
            return " | ".join(dict.fromkeys(_type(choice) for choice in choices)) or "null"
    if "enum" in schema:
        return " | ".join(f"'{value}'" for value in schema["enum"])
    match schema.get("type"):
        case "integer" | "number":
            return "number"
        case "string":
            return "string"
        case "boolean":
            return "boolean"
        case "array":
            inner = _type(schema.get("items", {}))
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case "object":
            return "Record<string, unknown>"
    return "unknown"
