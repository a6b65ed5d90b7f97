"""JSON as Celery writes it: dates, UUIDs and the like survive the way into a row and back."""

import json
from typing import Any

from django.db.models import JSONField
from django.db.models.fields.json import KeyTransform
from kombu.utils.json import JSONEncoder, object_hook


class CeleryJSONDecoder(json.JSONDecoder):
    """Turns what kombu's encoder marked back into objects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "object_hook": object_hook})


_decode = CeleryJSONDecoder().decode


class CeleryJSONField(JSONField):
    """Arguments and options of a task, in kombu's own JSON."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["encoder"] = JSONEncoder
        kwargs["decoder"] = CeleryJSONDecoder
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the value as Django does, without a new decoder for each: a claim reads three."""
        if isinstance(value, str) and not isinstance(expression, KeyTransform):
            try:
                return _decode(value)
            except json.JSONDecodeError:
                return value
        return super().from_db_value(value, expression, connection)
