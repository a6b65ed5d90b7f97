"""Every answer that is not a success: application/problem+json, one sentence, pointers."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ObjectDoesNotExist
from django.core.exceptions import ValidationError as RefusedByModel
from django.db import DatabaseError, IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic.alias_generators import to_camel

from schedules.adapters.unreadable import UnreadableRow
from schedules.dispatch import mend_after
from schedules.errors import InvalidInput, JobDeleted, Missing, Refused
from schedules.operations.edit import Outdated
from schedules.operations.timetables import SeveralKinds
from schedules.operations.trigger import JobBusy
from schedules.querysets.clock import database_now
from schedules.registry import InvalidArguments

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

ENTERED_AS = {
    "expression": "cronExpression",
    "minute": "cronExpression",
    "hour": "cronExpression",
    "day of month": "cronExpression",
    "month": "cronExpression",
    "day of week": "cronExpression",
    "interval": "intervalSeconds",
    "misfire_grace": "misfireGraceTime",
    "jitter": "jitterSeconds",
    "time_limit": "timeLimitSeconds",
    "soft_time_limit": "softTimeLimitSeconds",
    "retry_delay": "retryDelaySeconds",
    "retention": "retentionSeconds",
    "after": "afterSeconds",
    "gather": "gatherSeconds",
    "per_page": "per_page",
    "Idempotency-Key": "Idempotency-Key",
}
"""Fields of the caller, where they are named differently inside."""


class TooManyRequests(Exception):
    """The caller has asked for more than is let through in a while."""

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    **members: str,
) -> HttpResponse:
    """Return the answer (RFC 9457). `errors` name what is wrong where, by `pointer` (into the
    body) or `parameter`.
    """
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    if errors:
        body["errors"] = list(errors)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


def not_found(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Answer for an address that does not exist."""
    return problem(404, f"There is nothing at {request.path!r}.")


def handle_all(api: NinjaAPI) -> None:
    """Make `api` answer every exception with a problem."""
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(InvalidInput, _invalid_input)
    api.add_exception_handler(RefusedByModel, _refused_by_model)
    api.add_exception_handler(IntegrityError, _contradicts)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(TooManyRequests, _too_many)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(ObjectDoesNotExist, _gone)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(OperationalError, _database_away)
    api.add_exception_handler(UnreadableRow, _unreadable)
    api.add_exception_handler(Exception, _unforeseen)


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [_entry(found["loc"], _said(found)) for found in error.errors]
    first = errors[0]
    where = first.get("pointer", "").removeprefix("#/") or first.get("parameter", "")
    return problem(422, f"{where or 'body'}: {first['detail']}", errors=errors)


def _said(found: Mapping[str, Any]) -> str:
    return "no field has this name" if found["type"] == "extra_forbidden" else str(found["msg"])


def _entry(location: Sequence[Any], message: str) -> dict[str, str]:
    source, *path = location
    message = message.removeprefix("Value error, ")  # the word of pydantic, not of ours
    detail = _begun_small(message)
    if source in ("body", "form"):
        # The first step is the name that the view's parameter has.
        steps = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path[1:])
        return {"detail": detail, "pointer": f"#/{steps}"}
    return {"detail": detail, "parameter": str(path[-1]) if path else str(source)}


def _begun_small(sentence: str) -> str:
    """Return a sentence as part of another one; a name in capitals keeps them."""
    is_name = sentence[:2].isupper() and sentence[:2].isalpha()
    return sentence if is_name else f"{sentence[:1].lower()}{sentence[1:]}"


def _invalid_input(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error, InvalidArguments):  # of a task: they have names of their own
        return problem(422, str(error), errors=[_entry(("body", "", *error.place), error.accepted)])
    said = in_json_words(error)
    is_parameter = request.method == "GET" or "-" in said.field
    pointer = f"#/{said.field.replace('.', '/')}"
    where = {"parameter": said.field} if is_parameter else {"pointer": pointer}
    detail = {"detail": _begun_small(said.accepted)}
    return problem(422, str(said), errors=[{**detail, **where}])


def in_json_words(error: InvalidInput) -> InvalidInput:
    """Return the refusal with the names of fields as JSON has them."""
    steps = error.field.split(".")
    field = ENTERED_AS.get(error.field) or ".".join(to_camel(step) for step in steps)
    accepted = in_camel(error.accepted)
    if isinstance(error, Missing):
        return Missing(field, accepted, what=error.what)
    found = in_camel(str(error.found)) if isinstance(error, SeveralKinds) else error.found
    return InvalidInput(field, found, accepted)


def _refused_by_model(request: HttpRequest, error: Any) -> HttpResponse:
    """Answer with what the validators of a model said, field by field."""
    found = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error}
    errors = [
        {
            "detail": in_camel(message),
            "pointer": "#/" if field == NON_FIELD_ERRORS else f"#/{to_camel(field)}",
        }
        for field, messages in found.items()
        for message in messages
    ]
    return problem(422, errors[0]["detail"], errors=errors)


def _contradicts(request: HttpRequest, error: Any) -> HttpResponse:
    log.warning("A change contradicts a row", extra={"action": "api_conflict", "error": str(error)})
    return problem(409, "This contradicts what is stored, perhaps only just. Read it again.")


def in_camel(sentence: str) -> str:
    """Return the sentence with the names of fields as JSON has them."""
    return " ".join(_word_in_camel(word) for word in sentence.split(" "))


def _word_in_camel(word: str) -> str:
    # What is followed by a colon is an argument of a task: JSON has it by its own name.
    name = word.strip("(),.")
    is_name = "_" in name and name.replace("_", "a").isalnum()
    return word.replace(name, to_camel(name)) if is_name else word


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error, JobDeleted):
        return problem(404, str(error))
    if isinstance(error, Outdated):
        return problem(412, str(error))
    if isinstance(error, JobBusy):
        return problem(409, str(error), executionId=str(error.running.task_id))
    return problem(409, str(error))


def _too_many(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(429, str(error), headers={"Retry-After": str(error.retry_after_seconds)})


def _missing(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404, str(error) or f"There is nothing at {request.path!r}.")


def _gone(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404, f"There is nothing at {request.path!r} any more.")


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, HttpError):  # ninja says 400 for whatever a parser raises
        error = error.__cause__
    challenge = {"WWW-Authenticate": "Bearer"} if error.status_code == 401 else None
    detail = {
        400: "The body is not a JSON document.",
        401: "Send a valid token as `Authorization: Bearer …`, or log in.",
    }.get(error.status_code, str(error))
    return problem(error.status_code, detail, headers=challenge)


def _database_away(request: HttpRequest, error: Any) -> HttpResponse:
    log.warning(
        "The database did not answer a request: %s",
        type(error).__name__,
        extra={"action": "api_database_away", "path": request.path},
    )
    return problem(503, "The database does not answer. Try again.", headers={"Retry-After": "1"})


def _unreadable(request: HttpRequest, error: Any) -> HttpResponse:
    log.warning(str(error), extra={"action": "api_unreadable", "path": request.path})
    return problem(500, str(error))


def _unforeseen(request: HttpRequest, error: Any) -> HttpResponse:
    if mend_after(error, now=database_now()):
        detail = "A job or run had a row that could not be read. It has been set aside. Try again."
        return problem(503, detail, headers={"Retry-After": "0"})
    number = str(uuid.uuid4())
    assert isinstance(error, Exception | DatabaseError)
    log.error(
        "A request failed",
        exc_info=error,
        extra={"action": "api_error", "id": number, "path": request.path},
    )
    return problem(500, f"Something failed here; it is logged under {number}.", id=number)
