"""A job's policy, one sentence for each rule, and who set it."""

from datetime import timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from schedules.dashboard.words.lengths import length
from schedules.models import Job
from schedules.states import OnLost, Overlap


class Rule(NamedTuple):
    """One rule of a job: what it is called, what it comes to, and where its value comes from."""

    title: str
    sentence: str
    is_declared: bool
    is_overridden: bool


def rules_of(job: Job) -> list[Rule]:
    """Return every rule that holds for the job."""
    return [
        _rule(job, title, sentence, *fields)
        for title, sentence, *fields in (
            (_("Late start"), _misfire(job), "misfire_grace"),
            (_("After an outage"), _coalesce(job), "coalesce"),
            (_("Overlap"), _overlap(job), "overlap", "max_instances"),
            (_("Lost worker"), _on_lost(job), "on_lost"),
            (_("Retries"), _retries(job), "max_retries", "retry_delay"),
            (_("Time limit"), _limit(job), "time_limit", "soft_time_limit"),
            (_("Jitter"), _jitter(job), "jitter"),
            (_("Priority"), _priority(job), "priority", "queue"),
            (pgettext("a rule of a job", "History"), _retention(job), "retention"),
            (_("Importance"), _primary(job), "is_primary"),
            (_("Checks of the outcome"), _checks(job), "checks"),
        )
    ]


def _rule(job: Job, title: str, sentence: str, *fields: str) -> Rule:
    declared = job.declared or {}
    return Rule(
        title,
        sentence,
        is_declared=any(name in declared for name in fields),
        is_overridden=any(name in job.overridden for name in fields),
    )


def _misfire(job: Job) -> str:
    if job.misfire_grace is None:
        return _("Starts however late it is; nothing is missed for being late.")
    if not job.misfire_grace:
        return _("An occurrence that cannot start at once is missed.")
    return _("An occurrence that cannot start within %(length)s is missed.") % {
        "length": length(job.misfire_grace)
    }


def _coalesce(job: Job) -> str:
    if job.coalesce:
        return _("Of several occurrences that are late together only the latest runs.")
    return _("Each of several occurrences that are late together runs.")


def _overlap(job: Job) -> str:
    room = ngettext(
        "At most %(number)s run at a time.", "At most %(number)s runs at a time.", job.max_instances
    ) % {"number": job.max_instances}
    then = {
        Overlap.SKIP: _("What comes due meanwhile is skipped."),
        Overlap.QUEUE_ONE: _("Of what comes due meanwhile one waits, the rest is skipped."),
        Overlap.QUEUE_ALL: _("What comes due meanwhile waits for its turn."),
        Overlap.CANCEL_RUNNING: _("What comes due meanwhile cancels the running one."),
        Overlap.ALLOW: _("What comes due beyond that is skipped."),
    }[Overlap(job.overlap)]
    return f"{room} {then}"


def _on_lost(job: Job) -> str:
    if job.on_lost == OnLost.RETRY:
        return _("A run whose worker vanished is run again.")
    return _("A run whose worker vanished ends as lost and is not repeated.")


def _retries(job: Job) -> str:
    if not job.max_retries:
        return _("A failed run is not repeated by itself.")
    return ngettext(
        "A failed run is repeated %(number)s time, %(pause)s later at first.",
        "A failed run is repeated up to %(number)s times, %(pause)s later at first, then doubling.",
        job.max_retries,
    ) % {
        "number": job.max_retries,
        "pause": length(job.retry_delay) or length(timedelta(seconds=0)),
    }


def _limit(job: Job) -> str:
    if job.time_limit is None:
        return _("The limit of the whole installation.")
    return _("A run that takes longer than %(length)s is stopped.") % {
        "length": length(job.time_limit)
    }


def _jitter(job: Job) -> str:
    if not job.jitter:
        return _("Starts exactly when it is due.")
    return _("Starts up to %(length)s after its time, always equally for one occurrence.") % {
        "length": length(job.jitter)
    }


def _priority(job: Job) -> str:
    words = _("%(number)s; a higher one goes first.") % {"number": job.priority}
    if job.queue:
        return f"{words} {_('Queue: %(name)s.') % {'name': job.queue}}"
    return words


def _retention(job: Job) -> str:
    if job.retention is None:
        return _("Kept as long as the clean-up of the log says.")
    return _("Runs are kept for %(length)s.") % {"length": length(job.retention)}


def _checks(job: Job) -> str:
    if not job.checks:
        return _("None: a run that succeeded is taken at its word.")
    return _("A success is suspect unless %(checks)s.") % {
        # Each kept from left to right in a sentence that may go the other way.
        "checks": "; ".join(f"\u2066{check}\u2069" for check in job.checks)
    }


def _primary(job: Job) -> str:
    if job.is_primary:
        return _("Critical: it cannot be deleted.")
    return _("Ordinary.")
