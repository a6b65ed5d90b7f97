"""Parameters that are secrets: a caller names a setting, and only the worker knows its value."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any, get_type_hints

from django.conf import settings

from schedules.conf import options
from schedules.errors import InvalidInput
from schedules.registry.declaration import Declaration

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema


class Secret(str):
    """The annotation of such a parameter. The body gets the value, as ordinary text.

    Rows and messages hold the name of one of the settings in `SCHEDULES["secrets"]`.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Accept the name of a setting that may be handed out."""
        from pydantic_core import core_schema  # only pydantic asks, and a Beat never imports it

        return core_schema.no_info_after_validator_function(_checked_name, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Describe it as text; which names there are, this machine's settings say."""
        return {"type": "string", "description": 'The name of a setting in SCHEDULES["secrets"].'}


def reveal(
    declaration: Declaration, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments with the values of secrets in the place of their names.

    Raises InvalidInput for a name that may not, or no longer, be handed out.
    """
    secret = _secrets(declaration.function)
    if not secret:
        return list(args), dict(kwargs)
    names = list(signature(declaration.function).parameters)
    revealed = [
        _value(arg) if place < len(names) and names[place] in secret else arg
        for place, arg in enumerate(args)
    ]
    return revealed, {k: _value(v) if k in secret else v for k, v in kwargs.items()}


@cache
def _secrets(function: Callable[..., Any]) -> frozenset[str]:
    """The names of the function's parameters that are secrets."""
    try:
        hints = get_type_hints(function)
    except NameError:
        return frozenset()
    return frozenset(name for name, hint in hints.items() if hint is Secret)


def _checked_name(name: str) -> str:
    if name not in options().secrets:
        # Without the value: somebody may have entered the secret itself.
        known = ", ".join(options().secrets) or "none is named there"
        raise ValueError(f'give the name of a setting in SCHEDULES["secrets"] ({known})')
    return name


def _value(name: str) -> str:
    if name not in options().secrets or not getattr(settings, name, ""):
        raise InvalidInput("secret", "***", 'the name of a setting in SCHEDULES["secrets"]')
    return str(getattr(settings, name))
