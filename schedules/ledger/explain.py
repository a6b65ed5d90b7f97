"""Why did it (not) run then? Answered from rows alone: version, calendar, row, attempts."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.functions import Coalesce

from schedules.halts import global_pauses
from schedules.ledger.expected import VersionInForce, neighbours, versions_of
from schedules.models import Instance, Job, OccurrenceChange, Run
from schedules.states import ChangeState, Origin, RunState
from schedules.timing import Cron, Timetable, calendar_of, core_of


@dataclass(slots=True)
class Explanation:
    """The answer: facts for programs, and the same as sentences for people."""

    job_key: str
    at: datetime
    is_occurrence: bool = False
    version: int | None = None
    run: Run | None = None
    sentences: list[str] = field(default_factory=list)


def explain(job: Job, *, at: datetime, with_errors: bool = True) -> Explanation:
    """Explain what became of the job at the instant `at` (aware); `with_errors` those of its run's
    attempts too.
    """
    at = at.astimezone(UTC)
    answer = Explanation(job.key, at)
    version = next((v for v in versions_of(job) if v.since < at and _reaches(v, at)), None)
    if version is None:
        begin = job.ledger_from
        since = f"its ledger begins at {_iso(begin)}" if begin else "it has never been in force"
        answer.sentences.append(f"No timetable of {job.key} was in force then: {since}.")
    else:
        answer.version = version.number
        _explain_timetable(answer, version, at)
        _explain_pauses(answer, version, at)
    answer.sentences += _changes(job, at)
    answer.run = _row_for(job, at)
    if answer.run is not None:
        answer.sentences += _story(answer.run, with_errors=with_errors)
    elif answer.is_occurrence:
        answer.sentences.append(_why_no_row(job, at))
    return answer


def _reaches(version: VersionInForce, at: datetime) -> bool:
    return version.until is None or at <= version.until


def _explain_timetable(answer: Explanation, version: VersionInForce, at: datetime) -> None:
    say = answer.sentences.append
    if version.timetable is None:
        say(f"Version {version.number} had no timetable: {version.reason or 'none was given'}.")
        return
    if not version.enabled:
        stood = "disabled" if version.active else "deleted"
        say(f"Version {version.number}, since {_iso(version.since)}: the job was {stood}.")
        return
    following = neighbours(version, at - timedelta(microseconds=1))
    answer.is_occurrence = following[:1] == [at]
    local = _local(version.timetable, at)
    where = f"version {version.number}, in force since {_iso(version.since)}"
    if answer.is_occurrence:
        say(f"{_iso(at)}{local} is an occurrence of {where}.")
    else:
        then = f"; the next one after it is {_iso(following[0])}" if following else ""
        say(f"{_iso(at)}{local} is no occurrence of {where}{then}.")
    told = (_calendar(version.timetable, at), _clock_change(version.timetable, at))
    answer.sentences += [sentence for sentence in told if sentence]


def _explain_pauses(answer: Explanation, version: VersionInForce, at: datetime) -> None:
    if version.pause is not None and version.pause.covers(at):
        since = _iso(version.pause.since)
        answer.sentences.append(f"The job was {version.pause.reason} (since {since}).")
    answer.sentences += [
        f"{halt.reason[0].upper()}{halt.reason[1:]} (since {_iso(halt.since)})."
        for halt in global_pauses(reaching=at)
        if halt.covers(at)
    ]


def _changes(job: Job, at: datetime) -> list[str]:
    """Say what a person has said about the occurrence, and which one was moved to the instant."""
    told = []
    of_it = Q(scheduled_at=at) | Q(moved_to=at)
    for change in OccurrenceChange.objects.filter(of_it, job=job).order_by("made_at", "id"):
        words = change.words
        is_over = change.state in (ChangeState.UNDONE, ChangeState.VOID)
        stands = f" ({change.get_state_display()})" if is_over else ""
        if change.scheduled_at == at:
            told.append(f"This occurrence was {words}{stands}, on {_iso(change.made_at)}.")
        else:
            told.append(f"The occurrence of {_iso(change.scheduled_at)} was {words}{stands}.")
    return told


def _row_for(job: Job, at: datetime) -> Run | None:
    """Return the row of the occurrence, or the range it lies in."""
    rows = Run.objects.filter(job=job, origin=Origin.TIMETABLE, scheduled_at__lte=at)
    spans = rows.annotate(last=Coalesce("until", "scheduled_at")).filter(last__gte=at)
    return spans.filter(Q(scheduled_at=at) | Q(count__gt=1)).order_by("-scheduled_at").first()


def _story(run: Run, *, with_errors: bool) -> list[str]:
    told = []
    if run.count > 1:
        told.append(
            f"It lies in a row for {run.count} occurrences,"
            f" from {_iso(run.scheduled_at)} to {_iso(run.until)}."
        )
    if run.sent_at:
        often = "once" if run.sends == 1 else f"{run.sends} times"
        told.append(f"The broker was told at {_iso(run.sent_at)}, {often} in all.")
    elif run.state == RunState.SENT:
        told.append("The broker is being told; should that fail, it is sent again.")
    for attempt in run.attempts.order_by("number"):
        who = _instance_name(attempt.instance_id)
        error = f": {attempt.error}" if attempt.error and with_errors else ""
        told.append(
            f"Attempt {attempt.number} on {who} from {_iso(attempt.started_at)}"
            f" to {_iso(attempt.ended_at)} {attempt.outcome}{error}."
        )
    if run.is_final:
        why = f": {run.reason}" if run.reason else ""
        told.append(f"It ended at {_iso(run.finished_at)} as {run.get_state_display()}{why}.")
    else:
        since = f" since {_iso(run.started_at)}" if run.started_at else ""
        told.append(f"It is {run.get_state_display()}{since} and has no outcome yet.")
    return told


def _why_no_row(job: Job, at: datetime) -> str:
    if job.next_run_at is not None and job.next_run_at <= at:
        return f"It is still to come: the next occurrence to plan is {_iso(job.next_run_at)}."
    if job.ledger_from is not None and at <= job.ledger_from:
        return (
            f"Its row is gone with those before {_iso(job.ledger_from)}, where the ledger begins."
        )
    return "It should have a row and has none: `scheduler verify` counts it as missing."


def _instance_name(instance_id: UUID | None) -> str:
    if instance_id is None:
        return "an unknown worker"
    name = Instance.objects.filter(pk=instance_id).values_list("name", flat=True).first()
    return name or f"instance {instance_id}"


def _local(timetable: Timetable, at: datetime) -> str:
    cron = _cron(timetable)
    if cron is None or cron.tz == "UTC":
        return ""
    return f" ({at.astimezone(ZoneInfo(cron.tz)):%Y-%m-%d %H:%M} {cron.tz})"


def _calendar(timetable: Timetable, at: datetime) -> str:
    """Say what the calendar that the timetable goes by makes of the day."""
    part = calendar_of(timetable)
    if part is None:
        return ""
    day, name = at.astimezone(ZoneInfo(part.tz)).date(), part.days.name
    if not part.days.allows(day):
        return f"{day} is a day that calendar {name} does not allow."
    before = at - timedelta(microseconds=1)
    if timetable.next_after(before) == at != part.timetable.next_after(before):
        return f"It comes from a day that calendar {name} does not allow."
    return ""


def _clock_change(timetable: Timetable, at: datetime) -> str:
    """Say if the clock of the job's zone changed within the day around `at`."""
    cron = _cron(timetable)
    if cron is None:
        return ""
    zone, day = ZoneInfo(cron.tz), timedelta(hours=12)
    before, after = ((at + shift).astimezone(zone).utcoffset() for shift in (-day, day))
    if before == after or before is None or after is None:
        return ""
    way = "forward" if after > before else "back"
    return f"In {cron.tz} the clock was put {way} by {abs(after - before)} on that day."


def _cron(timetable: Timetable) -> Cron | None:
    inner = core_of(timetable)
    return inner if isinstance(inner, Cron) else None


def _iso(instant: datetime | None) -> str:
    return "-" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
