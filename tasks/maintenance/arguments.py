"""What the jobs of the maintenance take, as annotations that are checked when a job is saved.

pydantic asks each of them for its schema. Who only plans, as a Beat does, never imports it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from django.conf import settings

from schedules.public import InvalidInput

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema


class CommandName(str):
    """The name of a configured command."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Accept text that is the name of a configured command."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(check_name, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Describe it as text; which names there are, this machine's settings say."""
        return {"type": "string", "description": "A name in MANAGEMENT_COMMANDS."}


@dataclass(frozen=True, slots=True)
class EachOnce:
    """Of a list of names: none comes twice."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Accept what the list itself accepts, unless a name comes twice."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(check_distinct, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Describe it as the list, of different items."""
        return {**handler(schema), "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Between:
    """Of a whole number: the least and the most, both included."""

    least: int
    most: int

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Accept a whole number within the bounds."""
        from pydantic_core import core_schema

        return core_schema.int_schema(ge=self.least, le=self.most)


CommandNames = Annotated[list[CommandName], EachOnce()]
Days = Annotated[int, Between(1, 36_500)]


def check_distinct(names: list[str]) -> list[str]:
    """Return the names, or raise InvalidInput where one comes twice."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput("names", twice, "names of which each comes once")
    return names


def check_name(name: str) -> str:
    """Return `name`, or raise InvalidInput when no command of this name is configured."""
    configured = ", ".join(settings.MANAGEMENT_COMMANDS) or "none is configured"
    if name not in settings.MANAGEMENT_COMMANDS:
        raise InvalidInput("names", name, f"names in MANAGEMENT_COMMANDS ({configured})")
    return name
