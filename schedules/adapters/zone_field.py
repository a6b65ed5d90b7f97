"""The time zone of a crontab, without the list of all zones until somebody asks for it.

django-timezone-field opens and reads each of the 600 zones while a model is declared, so that every
process of ours did, for django-celery-beat's crontabs: a twentieth of a Beat's start. Only a form
and a validation look at the list.
"""

from functools import cache, cached_property, partial
from typing import Any

import timezone_field
from django.db.models import Field
from timezone_field.backends import get_tz_backend
from timezone_field.choices import standard
from timezone_field.fields import TimeZoneField


class LateTimeZoneField(TimeZoneField):  # type: ignore[misc]
    """`TimeZoneField` with the same choices, made when they are first looked at. Other choices are
    made as ever. Migrations know it as `TimeZoneField`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._is_late = len(args) <= 3 and not {"choices", "choices_display"} & kwargs.keys()
        if not self._is_late:
            super().__init__(*args, **kwargs)
            return
        self.use_pytz, self.choices_display = kwargs.pop("use_pytz", None), None
        kwargs.setdefault("max_length", self.default_max_length)
        kwargs["choices"] = partial(_all_zones, self.use_pytz)
        Field.__init__(self, *args, **kwargs)

    @cached_property
    def tz_backend(self) -> Any:
        """What makes zones of names; zoneinfo, unless the field or the settings say pytz."""
        return get_tz_backend(self.use_pytz)

    def deconstruct(self) -> Any:
        """Return what a migration says of the field: nothing of choices that are the usual."""
        if not self._is_late:
            name, _, args, kwargs = super().deconstruct()
        else:
            name, _, args, kwargs = Field.deconstruct(self)
            del kwargs["choices"]
            if kwargs["max_length"] == self.default_max_length:
                del kwargs["max_length"]
            if self.use_pytz is not None:
                kwargs["use_pytz"] = self.use_pytz
        return name, f"{TimeZoneField.__module__}.{TimeZoneField.__qualname__}", args, kwargs


@cache
def _all_zones(use_pytz: bool | None) -> list[tuple[Any, str]]:
    backend = get_tz_backend(use_pytz)
    zones: list[tuple[Any, str]] = standard(map(backend.to_tzobj, backend.base_tzstrs))
    return zones


def put_in_place() -> None:
    """Have the models that are declared from now on use it, where they say
    `timezone_field.TimeZoneField` as django-celery-beat's do.
    """
    timezone_field.TimeZoneField = LateTimeZoneField
