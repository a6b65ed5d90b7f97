"""JSON as Celery writes it: dates, UUIDs and the like survive the way into a row and back."""

import json
from typing import Any

from django.db.models import JSONField
from kombu.utils.json import JSONEncoder, object_hook


class CeleryJSONDecoder(json.JSONDecoder):
    """Turns what kombu's encoder marked back into objects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "object_hook": object_hook})


class CeleryJSONField(JSONField):
    """Arguments and options of a task, in kombu's own JSON."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["encoder"] = JSONEncoder
        kwargs["decoder"] = CeleryJSONDecoder
        super().__init__(*args, **kwargs)
