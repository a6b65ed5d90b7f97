"""Taking secrets out of what is stored, logged and shown.

By name: what stands under `password`, `token` and the like. By value: what the settings themselves
keep secret, wherever it turns up. By shape: the password in a URL.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings

from schedules.conf import options

MASK = "***"
SHORTEST = 6
"""Characters of a value that is looked for; a shorter one would be found in ordinary words."""

DEEPEST = 20

_NAMES = (
    "password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    "|credential|authorization|cookie|service_role_key"
)
_SECRET_NAME = re.compile(rf"(?:^|[_\W])(?:{_NAMES})s?$|(?:{_NAMES})$", re.IGNORECASE)
# A name, quoted or not, then = or :, then a value, quoted or up to a blank or a bracket.
_NAMED_VALUE = re.compile(
    rf"""((?:\b|_)(?:{_NAMES})s?["']?\s*[=:]\s*(?:bearer\s+|basic\s+)?)"""
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)\]}"']+)""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@]{0,200}:)[^\s/@]{1,500}(?=@)", re.I)
_HINTS = re.compile(rf"{_NAMES}|bearer|basic|://", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is nobody's business."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str) -> str:
    """Return the text with every secret in it masked."""
    for value in _known():
        if value in text:
            text = text.replace(value, MASK)
    if _HINTS.search(text) is None:
        return text
    text = _IN_URL.sub(rf"\g<1>{MASK}", text)
    text = _NAMED_VALUE.sub(rf"\g<1>{MASK}", text)
    return _BEARER.sub(rf"\g<1>{MASK}", text)


def redacted(value: Any, *, depth: int = DEEPEST) -> Any:
    """Return the JSON-like value with every secret in it masked; what has none is returned as is.

    Deeper than twenty levels nothing is looked for; nobody reads that either.
    """
    if isinstance(value, str):
        return redact(value)
    if depth <= 0:
        return value
    if isinstance(value, Mapping):
        return {
            key: MASK
            if isinstance(key, str) and inner not in (None, "") and is_secret_name(key)
            else redacted(inner, depth=depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        found = [redacted(inner, depth=depth - 1) for inner in value]
        return tuple(found) if type(value) is tuple else found
    return value


@lru_cache(maxsize=1)
def _known() -> tuple[str, ...]:
    """The values that the settings keep secret, the longest first."""
    found = {str(settings.SECRET_KEY), str(getattr(settings, "EMAIL_HOST_PASSWORD", "") or "")}
    for database in settings.DATABASES.values():
        found.add(str(database.get("PASSWORD") or ""))
    for name in (*options().secrets, "ADMIN_PASSWORD", "SUPABASE_SERVICE_ROLE_KEY"):
        found.add(str(getattr(settings, name, "") or ""))
    found.add(options().metrics_token)
    found.add(str(getattr(settings, "FLOWER_BASIC_AUTH", "") or "").partition(":")[2])
    broker = str(getattr(settings, "CELERY_BROKER_URL", "") or "")
    found.update(_password_of(url) for url in broker.split(";"))
    return tuple(sorted((v for v in found if len(v) >= SHORTEST), key=len, reverse=True))


def forget() -> None:
    """Read the settings anew at the next question."""
    _known.cache_clear()


def _password_of(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
