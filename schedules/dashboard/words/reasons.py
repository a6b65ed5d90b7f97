"""Reasons of the ledger in the reader's language.

A reason is stored as one English sentence, which API, command line and `explain` show as it is.
Those that the engine itself gives are recognised here; what people wrote is never translated.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from django.utils.translation import get_language, gettext, gettext_noop

_SENTENCES = (
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
    gettext_noop("not tried again: a newer call for %(subject)s waits"),
    gettext_noop("revoked"),
)

_PLACE = re.compile(r"%\\?\((\w+)\\?\)s")
_LENGTH = r"\d+(?:\.\d+)? (?:ms|s|min|h|d)(?: \d+ (?:s|min|h|d))?"
_FORMS = {
    "seconds": r"\d+(?:\.\d+)?",
    "number": r"\d+",
    "length": _LENGTH,
    "limit": _LENGTH,
    "pid": r"\d+|None",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "run": r"[0-9a-f-]{36}",
    "other_run": r"[0-9a-f-]{36}",
    "instance": r"\S+",
}
_UNIT = re.compile(r"(?P<number>[\d.]+) (?P<unit>ms|s|min|h|d)\b")
_FIRST_STRONG_ISOLATE, _POP = "\u2068", "\u2069"


class Sentences:
    """English sentences as the engine writes them, with `%(name)s` for what changes. Of two that
    fit, the longer one stands first.
    """

    def __init__(self, *sentences: str) -> None:
        self._sentences = sentences

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)

    @cached_property
    def form(self) -> str:
        """An expression that fits any of them; it has no groups."""
        return "|".join(re.sub(r"\?P<\w+>", "?:", _form(each)) for each in self._sentences)

    @cached_property
    def _forms(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple((each, re.compile(_form(each), re.S)) for each in self._sentences)

    def translated(self, stored: str) -> str | None:
        """Return the sentence in the reader's language; None if it is none of these."""
        for sentence, form in self._forms:
            if found := form.fullmatch(stored):
                parts = {name: _shown(name, value) for name, value in found.groupdict().items()}
                return gettext(sentence) % parts
        return None


def reason_in_words(reason: str) -> str:
    """Return the reason in the reader's language; as it is stored where nobody knows it."""
    if not reason or (get_language() or "en").startswith("en"):
        return reason
    return SENTENCES.translated(reason) or reason


def isolated(text: str) -> str:
    """Return an identifier, or people's own words, so that they keep their direction within a
    sentence.
    """
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP}"


def _shown(name: str, value: str) -> str:
    return _length(value) if _FORMS.get(name) is _LENGTH else isolated(value)


def _length(text: str) -> str:
    words = {
        "d": gettext("%(number)s d"),
        "h": gettext("%(number)s h"),
        "min": gettext("%(number)s min"),
        "s": gettext("%(number)s s"),
        "ms": gettext("%(number)s ms"),
    }
    return _UNIT.sub(lambda found: words[found["unit"]] % {"number": found["number"]}, text)


def _form(sentence: str) -> str:
    def place(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{_FORMS.get(found[1], '.+?')})"

    return _PLACE.sub(place, re.escape(sentence))


SENTENCES = Sentences(*_SENTENCES)
