"""The arguments a declared task takes: their JSON schema, and the check before storing."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from inspect import BoundArguments, Parameter, Signature, signature
from typing import Any, get_type_hints

from kombu.utils.json import dumps

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
    from schedules.registry.argument_models import model_of, schema_of  # brings pydantic

    return deepcopy(schema_of(model_of(declaration.function, tuple(_plain(declaration)))))


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
        size = len(dumps([list(args), dict(kwargs)], allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidArguments("args", str(error), "only what JSON can carry") from None
    if size > MOST_BYTES:
        raise InvalidArguments("args", f"{size} bytes", f"at most {MOST_BYTES} bytes as JSON")
    plain = _plain(declaration)
    values = {name: value for name, value in bound.arguments.items() if name in plain}
    if not values:
        return
    # A Beat's own calls carry nothing: it plans and sends without pydantic.
    from schedules.registry.argument_models import first_error

    wrong = first_error(declaration.function, tuple(plain), values)
    if wrong is not None:
        name, *inner = (str(part) for part in wrong["loc"])
        field = ".".join([name, *inner])
        place = (*_place(declaration, name, kwargs), *inner)
        accepted = f"{wrong['msg']}; takes {_accepted(declaration)}"
        is_secret = is_secret_name(name) or _NAMES_A_SETTING in accepted
        found = "***" if is_secret else wrong["input"]
        raise InvalidArguments(field, found, accepted, place=place)


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
