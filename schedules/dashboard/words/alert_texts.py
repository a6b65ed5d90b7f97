"""What alerts say, in the reader's language.

An alert is stored, mailed and sent as one English sentence (`alerts.decide`, `alerts.watch`). Its
form is recognised here; names, causes and what nobody recognises stay as they are.
"""

import re

from django.utils.translation import get_language, gettext, gettext_noop

from schedules.dashboard.words.reasons import Sentences, isolated, reason_in_words

HAPPENED = Sentences(
    gettext_noop("failed %(number)s times in a row"),
    gettext_noop("failed"),
    gettext_noop("timed out"),
    gettext_noop("was lost"),
    gettext_noop("missed %(number)s occurrences"),
    gettext_noop("missed"),
    gettext_noop("succeeded"),
    gettext_noop("is suspect"),
    gettext_noop("recovered after 1 failure"),
    gettext_noop("recovered after %(number)s failures"),
    gettext_noop("took %(length)s, more than %(limit)s"),
)
CONDITIONS = Sentences(
    gettext_noop(
        "No Beat has been heard of since %(instant)s, %(length)s ago: nothing is planned."
    ),
    gettext_noop("A Beat is heard of again. (it lasted %(length)s)"),
    gettext_noop("The outbox is sent again. (it lasted %(length)s)"),
    gettext_noop("%(number)s run waits to be sent to the broker, the oldest since %(instant)s."),
    gettext_noop("%(number)s runs wait to be sent to the broker, the oldest since %(instant)s."),
    gettext_noop("%(name)s was due at %(instant)s and is not planned."),
    gettext_noop(
        "%(name)s is late: %(number)s run waits for a worker, the oldest since %(instant)s."
    ),
    gettext_noop(
        "%(name)s is late: %(number)s runs wait for a worker, the oldest since %(instant)s."
    ),
    gettext_noop("%(name)s runs for %(length)s now, more than %(limit)s"),
    gettext_noop("This is a test of %(name)s. Nothing is wrong."),
)
ANSWERS = Sentences(gettext_noop("mailed to %(number)s"))

_OF_A_RUN = re.compile(
    rf"(?P<name>.+?) (?P<what>{HAPPENED.form}) \(scheduled at (?P<at>[0-9TZ:-]+)\)"
    r"(?:: (?P<why>.+))?",
    re.S,
)


def alert_in_words(text: str) -> str:
    """Return an alert's sentence in the reader's language; as it is stored where none fits."""
    if (get_language() or "en").startswith("en"):
        return text
    found = _OF_A_RUN.fullmatch(text)
    what = found and HAPPENED.translated(found["what"])
    if not found or what is None:
        return CONDITIONS.translated(text) or text
    said = gettext("%(name)s: %(what)s (scheduled at %(instant)s)") % {
        "name": isolated(found["name"]),
        "what": what,
        "instant": isolated(found["at"]),
    }
    return f"{said}: {isolated(reason_in_words(found['why']))}" if found["why"] else said


def answer_in_words(text: str) -> str:
    """Return how a channel answered: our own words in the reader's language, a server's as sent."""
    return ANSWERS.translated(text) or text
