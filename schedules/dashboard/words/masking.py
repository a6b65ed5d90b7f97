"""Arguments as a page may show them: what is named like a secret is not."""

import json
import re
from typing import Any

MASK = "••••••"
LONGEST = 20_000

_SECRET = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|credential|api_?key|private_?key|authorization", re.I
)


def masked(value: Any) -> Any:
    """Return the value with the values of secret-looking names replaced, at any depth."""
    if isinstance(value, dict):
        return {
            name: MASK if _SECRET.search(str(name)) and part is not None else masked(part)
            for name, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [masked(part) for part in value]
    return value


def as_text(value: Any) -> str:
    """Return a value as indented JSON, masked and cut to what a page can carry."""
    text = json.dumps(masked(value), indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
