"""Rules: making, changing, muting and deleting them. Each leaves one audit entry."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, actor_name, record
from schedules.alerts.rulebook import forget
from schedules.errors import InvalidInput
from schedules.models import AlertChannel, AlertRule, Job
from schedules.operations.wording import iso
from schedules.states import AlertKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str

EDITABLE = ("name", "job", "channels", "times", "after", "gather", "is_enabled")

KINDS = tuple(kind for kind in AlertKind if kind is not AlertKind.TEST)
OF_THE_SCHEDULER = frozenset({AlertKind.BEAT_SILENT, AlertKind.OUTBOX_STUCK})
"""Kinds that are about no job."""

COUNTING = frozenset({AlertKind.FAILING, AlertKind.RECOVERED})
ONE_BY_ONE = OF_THE_SCHEDULER | {AlertKind.SUCCEEDED, AlertKind.COMPLETED}
"""Kinds that are not gathered unless somebody says so."""

AFTER = {
    AlertKind.LATE: timedelta(minutes=2),
    AlertKind.SLOW: timedelta(minutes=10),
    AlertKind.BEAT_SILENT: timedelta(minutes=1),
    AlertKind.OUTBOX_STUCK: timedelta(minutes=1),
}
"""Kinds that are about a time, and how long it is unless somebody says so."""

LEAST_AFTER = timedelta(seconds=30)
"""Conditions are looked at every ten seconds, and a Beat may take thirty to be missed."""

LEAST_SLOW = timedelta(seconds=1)
MOST_AFTER = timedelta(days=30)
MOST_GATHER = timedelta(days=1)
MOST_TIMES = 100
LONGEST_NAME = 200
GATHER = timedelta(minutes=1)
USUAL_TIMES = 3


@transaction.atomic
def create_rule(
    *,
    kind: str,
    channels: Sequence[AlertChannel],
    by: "Actor",
    source: Source,
    now: datetime,
    name: str = "",
    job: Job | None = None,
    times: int | None = None,
    after: timedelta | None = None,
    gather: timedelta | None = None,
    is_enabled: bool = True,
) -> AlertRule:
    """Make a rule about `job`, or about all jobs. What is left out has the kind's own default.

    Raises InvalidInput.
    """
    if kind not in KINDS:
        raise InvalidInput("kind", kind, f"one of {', '.join(KINDS)}")
    rule = AlertRule(kind=kind, created_at=now, is_enabled=is_enabled)
    _put_on(rule, {"name": name, "job": job, "times": times, "after": after, "gather": gather})
    _check(rule, channels)
    rule.save()
    rule.channels.set(channels)
    _record("create", rule, by, source, now, after=_shown(rule))
    return rule


@transaction.atomic
def edit_rule(
    rule: AlertRule, *, changes: Mapping[str, Any], by: "Actor", source: Source, now: datetime
) -> AlertRule:
    """Change the fields in EDITABLE that `changes` names; the kind stays. Raises InvalidInput."""
    stored = AlertRule.objects.get(pk=rule.pk)
    before = _shown(stored)
    channels = changes.get("channels", list(stored.channels.all()))
    _put_on(stored, changes)
    _check(stored, channels)
    stored.save(update_fields=[name for name in EDITABLE if name != "channels"])
    stored.channels.set(channels)
    after = _shown(stored)
    if before != after:
        _record("edit", stored, by, source, now, before=before, after=after)
    return stored


def check_rule(rule: AlertRule, changes: Mapping[str, Any]) -> None:
    """Raise InvalidInput unless `rule` would make sense with these fields; `kind` for a new one.

    For forms, which ask before they save.
    """
    candidate = AlertRule(kind=rule.kind or changes["kind"])
    _put_on(candidate, {name: getattr(rule, name) for name in EDITABLE if name != "channels"})
    _put_on(candidate, changes)
    _check(candidate, changes["channels"])


def _put_on(rule: AlertRule, changes: Mapping[str, Any]) -> None:
    """Set what `changes` names of the fields in EDITABLE; without a value, to the kind's default.

    Without a job it is about every job.
    """
    kind = AlertKind(rule.kind)
    for name in EDITABLE:
        if name in changes and name != "channels":
            setattr(rule, name, changes[name])
    rule.name = (rule.name or "").strip() or _usual_name(kind, rule.job)
    rule.times = rule.times or 1
    if changes.get("times", ...) is None and kind is AlertKind.FAILING:
        rule.times = USUAL_TIMES
    rule.after = AFTER.get(kind) if rule.after is None else rule.after
    if rule.gather is None or changes.get("gather", ...) is None:
        rule.gather = timedelta(0) if kind in ONE_BY_ONE else GATHER


@transaction.atomic
def delete_rule(rule: AlertRule, *, by: "Actor", source: Source, now: datetime) -> None:
    """Delete the rule; what it has told stays in the record."""
    _record("delete", rule, by, source, now, before=_shown(rule))
    rule.delete()


@transaction.atomic
def mute_rule(
    rule: AlertRule,
    *,
    by: "Actor",
    source: Source,
    now: datetime,
    until: datetime | None = None,
    reason: str = "",
) -> AlertRule:
    """Silence the rule until unmuted, or until the aware instant `until`.

    Raises InvalidInput for an end that has passed.
    """
    if until is not None and until <= now:
        raise InvalidInput("until", until.isoformat(), "an instant in the future")
    rule.muted_at, rule.muted_until = now, until
    rule.muted_by, rule.mute_reason = actor_name(by), reason
    _save_mute(rule)
    after = {"muted": True, "until": iso(until) if until else None}
    _record("mute", rule, by, source, now, after=after, reason=reason)
    return rule


@transaction.atomic
def unmute_rule(
    rule: AlertRule, *, by: "Actor", source: Source, now: datetime, reason: str = ""
) -> AlertRule:
    """Let the rule speak again. What it kept to itself meanwhile is not told."""
    if rule.muted_at is not None:
        rule.muted_at = rule.muted_until = None
        rule.muted_by = rule.mute_reason = ""
        _save_mute(rule)
        _record("unmute", rule, by, source, now, after={"muted": False}, reason=reason)
    return rule


def _save_mute(rule: AlertRule) -> None:
    rule.save(update_fields=["muted_at", "muted_until", "muted_by", "mute_reason"])


def _check(rule: AlertRule, channels: Sequence[AlertChannel]) -> None:
    kind = AlertKind(rule.kind)
    if not 1 <= len(rule.name) <= LONGEST_NAME or not rule.name.isprintable():
        raise InvalidInput("name", rule.name, f"1 to {LONGEST_NAME} printable characters")
    if rule.job is not None and kind in OF_THE_SCHEDULER:
        raise InvalidInput("job", rule.job.key, f"nothing: {kind} is about the scheduler")
    if not channels:
        raise InvalidInput("channels", "", "at least one channel")
    if not 1 <= rule.times <= MOST_TIMES or (rule.times > 1 and kind not in COUNTING):
        counted = " and ".join(sorted(COUNTING))
        raise InvalidInput("times", rule.times, f"1 to {MOST_TIMES}; more than 1 with {counted}")
    least = LEAST_SLOW if kind is AlertKind.SLOW else LEAST_AFTER
    if kind not in AFTER:
        if rule.after is not None:
            raise InvalidInput("after", _seconds(rule.after), f"nothing with {kind}")
    elif rule.after is None or not least <= rule.after <= MOST_AFTER:
        accepted = f"{least.total_seconds():g} s to {MOST_AFTER.days} days"
        raise InvalidInput("after", _seconds(rule.after), accepted)
    if not timedelta(0) <= rule.gather <= MOST_GATHER:
        raise InvalidInput("gather", _seconds(rule.gather), "0 s to 1 day")


def _usual_name(kind: AlertKind, job: Job | None) -> str:
    return f"{job.key}: {kind.label}" if job is not None else kind.label.capitalize()


def _seconds(length: timedelta | None) -> str:
    return "nothing" if length is None else f"{length.total_seconds():g} s"


def _shown(rule: AlertRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "kind": rule.kind,
        "job": rule.job.key if rule.job is not None else None,
        "channels": sorted(channel.name for channel in rule.channels.all()),
        "times": rule.times,
        "after": rule.after,
        "gather": rule.gather,
        "isEnabled": rule.is_enabled,
    }


def _record(
    action: str,
    rule: AlertRule,
    by: "Actor",
    source: Source,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    transaction.on_commit(forget, robust=True)
    record(
        action,
        subject=f"alert_rule:{rule.name}",
        actor=by,
        source=source,
        now=now,
        before=before,
        after=after,
        reason=reason,
    )
