"""Values as indented JSON, without secrets and no longer than a page can carry."""

import json
from typing import Any

from schedules.redaction import redacted

LONGEST = 20_000
"""Characters of one value on a page."""


def as_text(value: Any) -> str:
    """Return a value as indented JSON, redacted and cut."""
    text = json.dumps(redacted(value), indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
