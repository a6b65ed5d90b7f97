"""The OpenAPI 3.1 document: ninja's, with every problem, header and right written in."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from schedules.rest.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "executionId": {"type": "string", "description": "Of 409: the run that is in the way."},
        "id": {"type": "string", "description": "Of 500: where it is in the log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "parameter": {"type": "string", "description": "Name in address or header."},
                },
            },
        },
    },
}

EVERYWHERE = {
    "401": "No valid token and no session.",
    "403": "Not permitted, or the CSRF token is missing.",
    "422": "A value was refused; `errors` say which and why.",
    "429": "Too many triggers, or invalid tokens; Retry-After says when to go on.",
    "500": "Something failed here; the answer has the number of the log entry.",
    "503": "The database does not answer.",
}
WITH_PATH = {"404": "There is no such thing."}
CHANGING = {
    "400": "The body is not JSON.",
    "409": "The state of things forbids it.",
    "413": "The body is larger than 64 KB, or 2.5 MB where it has a file or dates.",
    "415": "The body is not application/json.",
}
GUARDED = {"412": "The job was changed since it was read."}

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag that was read; anything newer is answered 412.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Of what makes a run: the same request with the same key gives the same run.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
CONDITIONAL = {"updateJob", "patchJob", "deleteJob", "performJobAction"}
IDEMPOTENT = {"createBackfill", "performJobAction", "retryExecution", "triggerScheduledJob"}


def build(api: NinjaAPI, prefix: str) -> OpenAPISchema:
    """Return the document of all routers of `api`, mounted at `prefix`."""
    document = OpenAPISchema(api, prefix)
    document["components"]["schemas"]["Problem"] = PROBLEM
    document["servers"] = [{"url": "/"}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method=method, path=path)
    return document


def _complete(operation: dict[str, Any], *, method: str, path: str) -> None:
    number = operation["operationId"]
    problems = dict(EVERYWHERE)
    if "{" in path:
        problems |= WITH_PATH
    if method != "get":
        problems |= CHANGING
    if number in CONDITIONAL:
        problems |= GUARDED
        operation["parameters"].append(IF_MATCH)
    if number in IDEMPOTENT:
        operation["parameters"].append(IDEMPOTENCY_KEY)
    answers = {str(status): answer for status, answer in operation["responses"].items()}
    for status, description in sorted(problems.items()):
        answers[status] = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    operation["responses"] = answers
