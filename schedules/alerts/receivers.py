"""The receivers of the house: a run's end, and what its checks said, told to who asked for it."""

import logging
from collections.abc import Callable
from itertools import islice
from typing import Any

from django.db import DatabaseError

from schedules.alerts.book import DELIVER, Note, note
from schedules.alerts.decide import RAN, Ended, could_tell, is_muted, tell
from schedules.alerts.rulebook import rules_in_force
from schedules.models import AlertEpisode, AlertRule, Run
from schedules.operations.wording import iso
from schedules.querysets.clock import database_now
from schedules.signals import run_finished, run_suspect
from schedules.states import AlertKind, RunState

log = logging.getLogger(__name__)

LOOKING_BACK = frozenset({AlertKind.FAILING, AlertKind.RECOVERED})


def connect() -> None:
    """Listen, once."""
    run_finished.connect(_hear, dispatch_uid="schedules.alerts")
    run_suspect.connect(_hear_of_suspect, dispatch_uid="schedules.alerts")


def _hear(*, run_id: int, state: RunState, **_: Any) -> None:
    """Tell of the run's end."""
    # Whether it is suspect is not known yet: it is checked after its end.
    _tell_by(run_id, lambda kind: kind is not AlertKind.SUSPECT and could_tell(kind, state))


def _hear_of_suspect(*, run_id: int, **_: Any) -> None:
    """Tell that the run did not stand its checks."""
    _tell_by(run_id, lambda kind: kind is AlertKind.SUSPECT)


def _tell_by(run_id: int, concerns: Callable[[AlertKind], bool]) -> None:
    """Tell by the rules of these kinds. Never raises: an alert is no reason for a run to suffer."""
    try:
        rules = [rule for rule in rules_in_force() if concerns(AlertKind(rule.kind))]
        if rules:
            _tell(run_id, rules)
    except DatabaseError as error:
        log.warning(
            "An alert could not be noted: %s", error, extra={"action": "alert_lost", "run": run_id}
        )


def _tell(run_id: int, rules: list[AlertRule]) -> None:
    run = Run.objects.filter(pk=run_id).exclude(task=DELIVER).first()
    if run is None:
        return
    now = database_now()
    concerned = [
        rule for rule in rules if rule.job_id in (None, run.job_id) and not is_muted(rule, now=now)
    ]
    for rule in concerned:
        ended = _facts(run, rule)
        text = tell(rule, ended)
        if text is not None:
            note(rule, _note_of(run, ended, text), now=now)


def _facts(run: Run, rule: AlertRule) -> Ended:
    kind = AlertKind(rule.kind)
    return Ended(
        name=run.job_key or run.task,
        state=RunState(run.state),
        scheduled_at=run.scheduled_at,
        execution_id=run.task_id,
        count=run.count,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cause=run.error or run.reason,
        suspect_reason=run.suspect_reason,
        previous=_previous(run, rule.times) if kind in LOOKING_BACK else (),
        was_told_slow=kind is AlertKind.SLOW and _was_told(run, rule),
    )


def _previous(run: Run, times: int) -> list[RunState]:
    """Return how as many runs of the job ended before this one as the rule may have to count."""
    if run.job_id is None:
        return []
    before = Run.objects.filter(job_id=run.job_id, scheduled_at__lt=run.scheduled_at)
    states = before.filter(state__in=sorted(RAN)).order_by("-scheduled_at")
    return [RunState(state) for state in islice(states.values_list("state", flat=True), times + 1)]


def _was_told(run: Run, rule: AlertRule) -> bool:
    """Whether the watch has told of it while it ran; that episode is over now."""
    ended, _ = AlertEpisode.objects.filter(rule=rule, subject=str(run.task_id)).delete()
    return bool(ended)


def _note_of(run: Run, ended: Ended, text: str) -> Note:
    took = ended.took
    assert run.finished_at is not None
    return Note(
        text=text,
        at=run.finished_at,
        job_key=run.job_key or run.task,
        execution_id=run.task_id,
        facts={
            "state": run.state,
            "scheduledAt": iso(run.scheduled_at),
            "finishedAt": iso(run.finished_at),
            "durationMs": None if took is None else round(took.total_seconds() * 1000),
            "attempt": run.attempt,
            "summary": run.summary[:1000],
        },
    )
