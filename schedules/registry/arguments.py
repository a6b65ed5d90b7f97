"""The arguments a declared task takes: their JSON schema, and the check before storing."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

from kombu.utils.json import dumps
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError

from schedules.errors import InvalidInput
from schedules.redaction import is_secret_name
from schedules.registry.declaration import INJECTED, Declaration

MOST_BYTES = 64 * 1024
_NAMES_A_SETTING = 'SCHEDULES["secrets"]'


class InvalidArguments(InvalidInput, TypeError):
    """Arguments that do not fit a task's signature. Also a TypeError, which Celery's callers
    expect.
    """


def argument_schema(declaration: Declaration) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of the task's arguments, as one object by name."""
    return _model(declaration).model_json_schema()


def check_arguments(
    declaration: Declaration, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Raise InvalidArguments, naming the argument, unless the task can be called with these.

    Values may be JSON (an ISO date for a `date`) or the Python objects themselves.
    """
    given = set(kwargs) & INJECTED
    if given:
        raise InvalidArguments("kwargs", sorted(given)[0], "filled in by the worker, never given")
    try:
        bound = _callable_signature(declaration).bind(*args, **kwargs)
    except TypeError as error:
        found = f"{list(args)} {dict(kwargs)}"
        raise InvalidArguments(
            "args", found, f"{declaration.task} takes {_accepted(declaration)}; {error}"
        ) from None
    try:
        size = len(dumps([list(args), dict(kwargs)]))
    except (TypeError, ValueError) as error:
        raise InvalidArguments("args", str(error), "only what JSON can carry") from None
    if size > MOST_BYTES:
        raise InvalidArguments("args", f"{size} bytes", f"at most {MOST_BYTES} bytes as JSON")
    try:
        _model(declaration).model_validate(
            {name: value for name, value in bound.arguments.items() if name in _plain(declaration)}
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        accepted = f"{first['msg']}; takes {_accepted(declaration)}"
        is_secret = is_secret_name(field) or _NAMES_A_SETTING in accepted
        raise InvalidArguments(field, "***" if is_secret else first["input"], accepted) from None


def _callable_signature(declaration: Declaration) -> Signature:
    return _signature_of(declaration.function)


@lru_cache(maxsize=1024)
def _signature_of(function: Any) -> Signature:
    """The signature without what the worker fills in."""
    whole = signature(function)
    return whole.replace(
        parameters=[p for name, p in whole.parameters.items() if name not in INJECTED]
    )


def _plain(declaration: Declaration) -> dict[str, Parameter]:
    """The named parameters; `*args` and `**kwargs` are taken as they come."""
    named = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    parameters: Mapping[str, Parameter] = _callable_signature(declaration).parameters
    return {name: p for name, p in parameters.items() if p.kind in named}


def _accepted(declaration: Declaration) -> str:
    return str(_callable_signature(declaration)).partition(" ->")[0]


@lru_cache(maxsize=1024)
def _model_of(function: Any, names: tuple[str, ...]) -> type[BaseModel]:
    hints = get_type_hints(function)
    parameters = signature(function).parameters
    fields: dict[str, Any] = {}
    for name in names:
        default = parameters[name].default
        fields[name] = (hints.get(name, Any), ... if default is Parameter.empty else default)
    build: Callable[..., type[BaseModel]] = partial(
        create_model, function.__name__, __config__=ConfigDict(extra="forbid")
    )
    try:
        return build(**fields)
    except PydanticSchemaGenerationError:
        # An annotation that JSON has no word for: the names are checked, the types are not.
        return build(**{name: (Any, default) for name, (_, default) in fields.items()})


def _model(declaration: Declaration) -> type[BaseModel]:
    return _model_of(declaration.function, tuple(_plain(declaration)))
