"""Reasons of the ledger in the reader's language.

A reason is stored as one English sentence, which API, command line and `explain` show as it is.
Those that the engine itself gives are recognised here; what people wrote is never translated.
"""

import re
from functools import cache

from django.utils.translation import get_language, gettext, gettext_noop

SENTENCES = (
    gettext_noop("not started within %(seconds)s s of its time; no worker took it"),
    gettext_noop("a worker came to it only after %(instant)s, the end of its grace"),
    gettext_noop("found later than its misfire grace of %(seconds)s s"),
    gettext_noop("coalesced into the occurrence at %(instant)s"),
    gettext_noop("overlap with run %(run)s; run %(other_run)s waits already"),
    gettext_noop("overlap with run %(run)s"),
    gettext_noop("waits for a slot"),
    gettext_noop("paused by %(who)s until %(instant)s: %(why)s"),
    gettext_noop("paused by %(who)s until %(instant)s"),
    gettext_noop("paused by %(who)s: %(why)s"),
    gettext_noop("paused by %(who)s"),
    gettext_noop("everything is paused by %(who)s: %(why)s"),
    gettext_noop("everything is paused by %(who)s"),
    gettext_noop("its job is deleted"),
    gettext_noop("its job is disabled"),
    gettext_noop("its job is invalid: %(why)s"),
    gettext_noop("its body asked for it: %(why)s"),
    gettext_noop(
        "its worker (instance %(instance)s) vanished %(seconds)s s ago, too long for another try"
    ),
    gettext_noop("its worker (instance %(instance)s) vanished"),
    gettext_noop("its process %(pid)s ended without a word"),
    gettext_noop("revoked"),
)
"""As the engine writes them; of two that fit, the longer one stands first."""

_PLACE = re.compile(r"%\\?\((\w+)\\?\)s")
_FORMS = {
    "seconds": r"\d+(?:\.\d+)?",
    "pid": r"\d+|None",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "run": r"[0-9a-f-]{36}",
    "other_run": r"[0-9a-f-]{36}",
    "instance": r"\S+",
}
_FIRST_STRONG_ISOLATE, _POP = "\u2068", "\u2069"


def reason_in_words(reason: str) -> str:
    """Return the reason in the reader's language; as it is stored where nobody knows it."""
    if not reason or (get_language() or "en").startswith("en"):
        return reason
    for sentence, form in _forms():
        if found := form.fullmatch(reason):
            # Identifiers and people's own words keep their direction within the sentence.
            parts = {k: f"{_FIRST_STRONG_ISOLATE}{v}{_POP}" for k, v in found.groupdict().items()}
            return gettext(sentence) % parts
    return reason


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sentence, re.compile(_form(sentence), re.S)) for sentence in SENTENCES)


def _form(sentence: str) -> str:
    def place(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{_FORMS.get(found[1], '.+?')})"

    return _PLACE.sub(place, re.escape(sentence))
