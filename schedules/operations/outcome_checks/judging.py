"""Checking one run, and checking it again by other rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, record
from schedules.errors import InvalidInput, Refused
from schedules.expressions import Finding, Look, parse
from schedules.models import Run, Verdict
from schedules.operations.job_history import Figure
from schedules.operations.outcome_checks.numbers import CheckedRun, Past, numbers_of, results_of
from schedules.redaction import redact
from schedules.registry import find, named_checkers
from schedules.signals import run_suspect
from schedules.states import RunState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

LONGEST_REASON = 1000
MOST_DRAWN = 30
MOST_FIGURES = 8


class NotChecked(Refused):
    """The run has nothing that could be checked."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"Run {run.task_id} is {run.state} and its job has"
            f" {len(_texts(run)) or 'no'} checks; only a success of a job with checks is checked."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judgement:
    findings: list[dict[str, Any]]
    reason: str


def check_run(run: Run, *, now: datetime) -> Verdict | None:
    """Hold a success against its job's checks; None for one that has its verdict already.

    A run that does not stand them keeps its outcome, gets a `suspect_reason`, and is told of after
    the commit.
    """
    judged = _judge(run)
    with transaction.atomic():
        verdict = Verdict(run=run, at=now, **_columns(judged, now))
        _, is_new = Verdict.objects.get_or_create(
            run=run, defaults={"at": now, **_columns(judged, now)}
        )
        if not is_new:
            return None
        if judged.reason:
            _suspect(run, judged)
            transaction.on_commit(lambda: _tell(run), robust=True)
    return verdict


@transaction.atomic
def recheck_run(
    run: Run,
    *,
    by: "AbstractBaseUser | AnonymousUser | str",
    source: Source,
    now: datetime,
    reason: str = "",
) -> Verdict:
    """Hold a success against the checks that its job has now, and return the new verdict.

    Nobody is told once more. Raises NotChecked.
    """
    if run.state != RunState.SUCCEEDED or not _texts(run):
        raise NotChecked(run)
    judged = _judge(run)
    verdict, _ = Verdict.objects.update_or_create(
        run=run, defaults={"at": now, **_columns(judged, now)}
    )
    before = run.suspect_reason
    _suspect(run, judged)
    record(
        "recheck",
        subject=f"run:{run.task_id}",
        actor=by,
        source=source,
        now=now,
        before={"suspect": before},
        after={"suspect": run.suspect_reason},
        reason=reason,
    )
    return verdict


def verdict_of(run: Run) -> Verdict | None:
    """Return what the checks said about the run; None where nothing was or can be checked."""
    if run.state != RunState.SUCCEEDED or run.job_id is None:
        return None
    return Verdict.objects.filter(run=run).first()


def history_of(run: Run, verdict: Verdict) -> list[Figure]:
    """Return the numbers that the verdict speaks of over the runs before it, this one last."""
    past = Past(run)
    own = numbers_of(run, results_of([run]).get(str(run.task_id)))
    texts = [str(finding["check"]) for finding in verdict.findings]
    names = dict.fromkeys(name for text in texts for name in _names_in(text) if name in own)
    return [
        Figure(
            name=name,
            values=[*reversed(past.values(Look(name, MOST_DRAWN, False))), float(own[name])],
        )
        for name in list(names)[:MOST_FIGURES]
    ]


def _judge(run: Run) -> _Judgement:
    value = results_of([run]).get(str(run.task_id))
    checked = CheckedRun(run=run, result=value, numbers=numbers_of(run, value), past=Past(run))
    findings = [(text, _finding(text, checked)) for text in _texts(run)]
    wrong = [f"{text}: {found.reason}" for text, found in findings if found.holds is False]
    return _Judgement(
        findings=[
            {
                "check": text,
                "holds": found.holds,
                "reason": found.reason,
                "numbers": dict(found.numbers),
            }
            for text, found in findings
        ],
        reason="; ".join(wrong)[:LONGEST_REASON],
    )


def _finding(text: str, checked: CheckedRun) -> Finding:
    declaration = find(checked.run.task)
    checkers = {} if declaration is None else named_checkers(declaration.checks)
    if text in checkers:
        return _ask(checkers[text], checked)
    try:
        return parse(text).judge(checked.numbers, checked.past.values)
    except InvalidInput as error:  # of code that is gone, or written past us
        return Finding(False, str(error))


def _ask(checker: Any, checked: CheckedRun) -> Finding:
    try:
        wrong = checker(checked)
    except Exception as error:  # noqa: BLE001 - somebody's own code; what it raised is the finding
        return Finding(False, redact(f"it raised {type(error).__name__}: {error}")[:LONGEST_REASON])
    return Finding(not wrong, redact(str(wrong or ""))[:LONGEST_REASON])


def _suspect(run: Run, judged: _Judgement) -> None:
    run.suspect_reason = judged.reason
    Run.objects.filter(pk=run.pk).update(suspect_reason=judged.reason)


def _columns(judged: _Judgement, now: datetime) -> Mapping[str, Any]:
    return {"findings": judged.findings, "suspect_at": now if judged.reason else None}


def _tell(run: Run) -> None:
    run_suspect.send_robust(sender=Verdict, run_id=run.pk)


def _texts(run: Run) -> Sequence[str]:
    return [] if run.job is None else run.job.checks or []


def _names_in(text: str) -> Sequence[str]:
    try:
        return parse(text).names
    except InvalidInput:
        return []
