"""The arguments a declared task takes: their JSON schema, and the check before storing."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache, partial
from inspect import BoundArguments, Parameter, Signature, signature
from typing import Any, get_type_hints

from kombu.utils.json import dumps
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError

from schedules.errors import InvalidInput
from schedules.redaction import is_secret_name
from schedules.registry.declaration import INJECTED, Declaration

MOST_BYTES = 64 * 1024
BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_NAMES_A_SETTING = 'SCHEDULES["secrets"]'


class InvalidArguments(InvalidInput, TypeError):
    """Arguments that do not fit a task's signature. Also a TypeError, which Celery's callers
    expect.

    `field` is the argument's name, `place` the steps to where it was given, such as `("kwargs",
    "retention_days")` or `("args", "0")`.
    """

    def __init__(
        self, field: str, found: object, accepted: str, *, place: tuple[str, ...] = ()
    ) -> None:
        super().__init__(field, found, accepted)
        self.place = place or (field,)


def argument_schema(declaration: Declaration) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of the task's arguments, as one object by name."""
    return deepcopy(_schema_of(_model(declaration)))


def check_arguments(
    declaration: Declaration, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Raise InvalidArguments, naming the argument, unless the task can be called with these.

    Values may be JSON (an ISO date for a `date`) or the Python objects themselves.
    """
    given = set(kwargs) & INJECTED
    if given:
        name = sorted(given)[0]
        accepted = f"left out: {name} is filled in by the worker"
        raise InvalidArguments(name, kwargs[name], accepted, place=("kwargs", name))
    bound = _bind(declaration, args, kwargs)
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
        name, *inner = (str(part) for part in first["loc"])
        field = ".".join([name, *inner])
        place = (*_place(declaration, name, kwargs), *inner)
        accepted = f"{first['msg']}; takes {_accepted(declaration)}"
        is_secret = is_secret_name(name) or _NAMES_A_SETTING in accepted
        found = "***" if is_secret else first["input"]
        raise InvalidArguments(field, found, accepted, place=place) from None


def _bind(
    declaration: Declaration, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> BoundArguments:
    taken = _callable_signature(declaration)
    try:
        return taken.bind(*args, **kwargs)
    except TypeError as error:
        accepted = f"{declaration.task} takes {_accepted(declaration)}; {error}"
        named = [p for p in taken.parameters.values() if p.kind in BY_NAME]
        takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in taken.parameters.values())
        unknown = [name for name in kwargs if name not in {p.name for p in named}]
        if unknown and not takes_any:
            name = unknown[0]
            found = "***" if is_secret_name(name) else kwargs[name]
            raise InvalidArguments(name, found, accepted, place=("kwargs", name)) from None
        found = f"{list(args)} {dict(kwargs)}"
        raise InvalidArguments("args" if args else "kwargs", found, accepted) from None


def _place(declaration: Declaration, name: str, kwargs: Mapping[str, Any]) -> tuple[str, str]:
    if name in kwargs:
        return "kwargs", name
    return "args", str(list(_callable_signature(declaration).parameters).index(name))


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
    """Return the signature in words; bounds are left to the sentence about the value."""
    taken = _callable_signature(declaration)
    hints = get_type_hints(declaration.function)
    plain = [
        p.replace(annotation=hints.get(p.name, p.annotation)) for p in taken.parameters.values()
    ]
    return str(taken.replace(parameters=plain)).partition(" ->")[0]


@lru_cache(maxsize=1024)
def _model_of(function: Any, names: tuple[str, ...]) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
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


@lru_cache(maxsize=1024)
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _model(declaration: Declaration) -> type[BaseModel]:
    return _model_of(declaration.function, tuple(_plain(declaration)))
