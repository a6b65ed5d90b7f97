"""What JSON looks like: camelCase names, strict types, unknown fields refused."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic.alias_generators import to_camel

MOST_TEXT = 10_000

Name = Annotated[str, Field(max_length=255)]
Text = Annotated[str, Field(max_length=MOST_TEXT)]
Instant = Annotated[AwareDatetime, Strict(False)]
"""ISO 8601 with Z or an offset, as text."""

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An instant in an answer: the shapes have written it in UTC with Z, and it stays as it is."""


def _whole(value: object) -> object:
    """Read 5.0 as 5: to JSON they are the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Put after the bounds of a whole number."""


class Reply(BaseModel):
    """What is answered; made from the dicts of `operations.shapes`, which are in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class Asked(BaseModel):
    """What is asked for in a body. A field that nobody knows is an error, not a wish unheard."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that the caller sent, also those sent as null."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _flag(value: object) -> object:
    """Read the two words of JSON; what else could be taken for yes or no is refused."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Flag = Annotated[bool, Strict(), BeforeValidator(_flag)]
"""A yes or no in an address."""
