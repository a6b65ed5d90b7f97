"""The parameters of a declared task as a pydantic model: imported when one is given a value."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import ErrorDetails


def first_error(
    function: Any, names: tuple[str, ...], values: Mapping[str, Any]
) -> ErrorDetails | None:
    """Return what is wrong with the values of these parameters, None where nothing is."""
    try:
        model_of(function, names).model_validate(dict(values))
    except ValidationError as error:
        return error.errors()[0]
    return None


@lru_cache(maxsize=1024)
def model_of(function: Any, names: tuple[str, ...]) -> type[BaseModel]:
    """Return the model of these parameters of `function`."""
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
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return its JSON schema, one object for all that ask."""
    return model.model_json_schema()
