"""Acting on one run: again, cancel, move, run for its time after all, dismiss."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from schedules.access.permissions import may_operate
from schedules.dashboard.actions.jobs import SOURCE
from schedules.dashboard.actions.questions import (
    Question,
    ask,
    asked_once,
    done,
    instant_of,
    key_of,
    reason_of,
)
from schedules.dashboard.guard import action
from schedules.dashboard.pages.run import run_or_404
from schedules.dashboard.reader import Reader
from schedules.errors import InvalidInput, Refused
from schedules.models import Run
from schedules.operations.cancel import CANCELLED, cancel_run
from schedules.operations.missed import dismiss_run, run_after_all
from schedules.operations.outcome_checks.judging import recheck_run
from schedules.operations.parked import move_run
from schedules.operations.retry import retry_run
from schedules.operations.upcoming import zone_of


class CannotCancel(Refused):
    """The run began or ended before it could be cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One thing to do with a run: what is asked, and the doing, which says what it did."""

    question: Callable[[Reader, Run], Question]
    do: Callable[[Reader, Run], str]


@action(may_operate)
def act_on_run(reader: Reader, *, task_id: UUID, verb: str) -> HttpResponse:
    """Ask about, or carry out, one verb on one run."""
    chosen = VERBS.get(verb)
    if chosen is None:
        raise Http404
    run = run_or_404(task_id)
    back = reverse("scheduler:run", kwargs={"task_id": task_id})
    question = chosen.question(reader, run)
    if reader.request.method != "POST":
        return ask(reader, question, back=back)
    try:
        words = chosen.do(reader, run)
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return ask(reader, question, back=back, problem=str(error), status=status)
    return done(reader, words, back=back)


def _named(reader: Reader, run: Run) -> dict[str, object]:
    zone = _zone(run)
    return {
        "run": run.job_key or run.natural_key or run.task,
        "time": f"{reader.shown(run.until or run.scheduled_at, zone)} {reader.zone(zone)}",
    }


def _zone(run: Run) -> str:
    return zone_of(run.job) if run.job else "UTC"


def _ask_retry(reader: Reader, run: Run) -> Question:
    return Question(
        title=_("Run %(run)s again?") % _named(reader, run),
        consequence=_(
            "A new run with the same arguments and the nominal time %(time)s begins at once."
            " This one keeps its outcome."
        )
        % _named(reader, run),
        button=_("Run again"),
        here="runs",
        hidden=asked_once(),
    )


def _retry(reader: Reader, run: Run) -> str:
    again = retry_run(
        run,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
        idempotency_key=key_of(reader, run.pk),
    )
    return _("It runs again: %(run)s.") % {"run": again.task_id}


def _ask_cancel(reader: Reader, run: Run) -> Question:
    return Question(
        title=_("Cancel %(run)s?") % _named(reader, run),
        consequence=_(
            "It never begins and ends as cancelled. What waits for its success waits on."
        ),
        button=_("Cancel the run"),
        here="runs",
        is_grave=True,
    )


def _cancel(reader: Reader, run: Run) -> str:
    answer = cancel_run(
        run, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    )
    if answer != CANCELLED:
        raise CannotCancel(
            _("It is too late: a worker has it, or it has ended (%(answer)s).")
            % {"answer": answer.replace("_", " ")}
        )
    return _("The run is cancelled.")


def _ask_move(reader: Reader, run: Run) -> Question:
    return Question(
        title=_("Move %(run)s?") % _named(reader, run),
        consequence=_("It waits until the new time; its arguments stay as they are."),
        button=_("Move"),
        here="parked",
        fields=("at", "reason"),
        zone=_zone(run),
        at=run.due_at,
    )


def _move(reader: Reader, run: Run) -> str:
    at = instant_of(reader, "at", zone=_zone(run))
    move_run(
        run,
        at=at,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
    )
    return _("It is due %(time)s now.") % _named(reader, run)


def _ask_after_all(reader: Reader, run: Run) -> Question:
    if run.count > 1:
        consequence = _(
            "It stands for %(number)s occurrences. The job runs once, at once, as if it were the"
            " last of them, %(time)s."
        ) % {"number": run.count, **_named(reader, run)}
    else:
        consequence = _(
            "The job runs once, at once, as if it were %(time)s; its timetable does not change."
        ) % _named(reader, run)
    return Question(
        title=_("Run %(run)s for that time after all?") % _named(reader, run),
        consequence=consequence,
        button=_("Run for that time"),
        here="missed",
        hidden=asked_once(),
    )


def _after_all(reader: Reader, run: Run) -> str:
    again = run_after_all(
        run,
        by=reader.request.user,
        source=SOURCE,
        now=reader.now,
        reason=reason_of(reader),
        idempotency_key=key_of(reader, run.pk),
    )
    return _("It runs after all: %(run)s.") % {"run": again.task_id}


def _ask_dismiss(reader: Reader, run: Run) -> Question:
    return Question(
        title=_("Dismiss %(run)s?") % _named(reader, run),
        consequence=_("%(run)s, %(time)s keeps its outcome and is no longer something to do.")
        % _named(reader, run),
        button=_("Dismiss"),
        here="missed",
        reason_is_needed=True,
    )


def _dismiss(reader: Reader, run: Run) -> str:
    dismissed = dismiss_run(
        run, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    )
    return _("Dismissed.") if dismissed else _("It was dismissed already.")


def _ask_recheck(reader: Reader, run: Run) -> Question:
    return Question(
        title=_("Check %(run)s again?") % _named(reader, run),
        consequence=_(
            "Its result is held against the checks that the job has now. It stays a success;"
            " whether it is suspect may change. Nobody is told."
        ),
        button=_("Check again"),
        here="runs",
    )


def _recheck(reader: Reader, run: Run) -> str:
    recheck_run(
        run, by=reader.request.user, source=SOURCE, now=reader.now, reason=reason_of(reader)
    )
    return _("It is suspect.") if run.suspect_reason else _("It stands all checks.")


VERBS = {
    "recheck": Verb(question=_ask_recheck, do=_recheck),
    "retry": Verb(question=_ask_retry, do=_retry),
    "cancel": Verb(question=_ask_cancel, do=_cancel),
    "move": Verb(question=_ask_move, do=_move),
    "run-after-all": Verb(question=_ask_after_all, do=_after_all),
    "dismiss": Verb(question=_ask_dismiss, do=_dismiss),
}
