"""The watch over conditions that no run can report: a silent Beat, a stuck outbox, what is late.

Every process watches - Beats, workers and the web - because whoever is dead cannot say so. The
episode's row decides who of them tells of it, and a message that no worker comes to send is sent by
the watch itself.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count, Max, Min

from schedules.alerts.book import DELIVER, Note, note
from schedules.alerts.decide import is_muted
from schedules.alerts.rulebook import rules_in_force
from schedules.conf import options
from schedules.lease import undisturbed
from schedules.models import AlertEpisode, AlertRule, Delivery, GlobalPause, Instance, Job, Run
from schedules.operations.wording import duration, iso_seconds
from schedules.overlap import WAITS_FOR_A_SLOT
from schedules.querysets.clock import database_now
from schedules.querysets.instances import LEASE
from schedules.querysets.runs import RunQuerySet
from schedules.querysets.statements import is_any
from schedules.states import AlertKind, InstanceKind

if TYPE_CHECKING:
    from schedules.alerts.sending import Database

log = logging.getLogger(__name__)

PACE = timedelta(seconds=10)
LEFT_ALONE = timedelta(seconds=30)
"""How long a message waits for a worker before the watch sends it itself."""

MOST_AT_ONCE = 10
"""Messages that one look sends; a hanging server takes its time with each."""

MOST_SUBJECTS = 200
"""Jobs or runs that one rule tells of in one look."""

FORGOTTEN_AFTER = timedelta(days=1)

Conditions = Mapping[str, str]
"""What holds now: a sentence for each subject."""


def look(*, now: datetime, is_settled: bool = True) -> int:
    """Begin and end the episodes of every rule about a condition; return how many began.

    Without `is_settled` Beats are not judged: right after the database was away every heartbeat is
    old.
    """
    begun = 0
    for rule in rules_in_force():
        kind = AlertKind(rule.kind)
        if kind not in _CONDITIONS or is_muted(rule, now=now):
            continue
        if kind is AlertKind.BEAT_SILENT and not is_settled:
            continue
        assert rule.after is not None
        begun += _keep(rule, kind, _CONDITIONS[kind](rule, rule.after, now), now=now)
    return begun


def left_alone(*, now: datetime) -> list[UUID]:
    """Return the deliveries that should have been sent by now and were not."""
    if not is_any(Delivery.objects.filter(next_at__isnull=False)):
        return []
    late = Delivery.objects.filter(next_at__lt=now - LEFT_ALONE).order_by("next_at")
    return list(late.values_list("pk", flat=True)[:MOST_AT_ONCE])


class Watcher(threading.Thread):
    """Looks every ten seconds, in whatever process starts it. Never ends it."""

    def __init__(self, *, database: "Database" = undisturbed, pace: timedelta = PACE) -> None:
        super().__init__(name="watcher", daemon=True)
        self._database = database
        self._pace = pace
        self._stopping = threading.Event()
        self._connected_at: datetime | None = None

    def run(self) -> None:
        """Look, for ever."""
        while not self._stopping.wait(self._pace.total_seconds()):
            try:
                self.look_once()
            except (DatabaseError, InterfaceError) as error:
                self._connected_at = None
                connection.close()
                log.debug("The watch cannot look: %s", error)
            except Exception:
                log.exception("The watch failed; it looks again.", extra={"action": "watch_failed"})

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def look_once(self) -> None:
        """Look at the conditions, then send what nobody has sent."""
        with self._database():
            now = database_now()
            self._connected_at = self._connected_at or now
            look(now=now, is_settled=now - self._connected_at > LEASE)
            waiting = left_alone(now=now)
            if not waiting:
                return
            # Few processes ever send. In here, because no child is forked meanwhile: it would find
            # the import begun and nobody to end it.
            from schedules.alerts.calling import NotDelivered
            from schedules.alerts.sending import send
        for delivery in waiting:
            try:
                send(delivery, clock=database_now, database=self._database)
            except NotDelivered as error:
                log.warning(
                    "An alert could not be sent: %s", error, extra={"action": "alert_not_sent"}
                )


def _keep(rule: AlertRule, kind: AlertKind, holding: Conditions, *, now: datetime) -> int:
    """Bring the rule's episodes in line with what holds; return how many began."""
    episodes = dict(rule.episodes.values_list("subject", "since"))
    begun = 0
    for subject, sentence in holding.items():
        if subject in episodes:
            continue
        with transaction.atomic():
            # Of several processes that see it, the one whose row it is tells of it.
            _, is_mine = AlertEpisode.objects.get_or_create(
                rule=rule, subject=subject, defaults={"since": now}
            )
            if is_mine:
                note(rule, _note(kind, subject, sentence, now), now=now)
                begun += 1
    for subject, since in episodes.items():
        if subject not in holding and (kind is not AlertKind.SLOW or since < now - FORGOTTEN_AFTER):
            # An episode of a run ends with the run, where its end is told (`receivers`).
            _end(rule, kind, subject, since, now)
    return begun


def _end(rule: AlertRule, kind: AlertKind, subject: str, since: datetime, now: datetime) -> None:
    with transaction.atomic():
        ended, _ = AlertEpisode.objects.filter(rule=rule, subject=subject).delete()
        if ended and kind in _ENDS:
            sentence = f"{_ENDS[kind]} (it lasted {duration(now - since)})"
            note(rule, _note(kind, subject, sentence, now), now=now)


def _note(kind: AlertKind, subject: str, sentence: str, now: datetime) -> Note:
    if kind is AlertKind.SLOW:
        job_key = Run.objects.values_list("job_key", flat=True).get(task_id=subject)
        return Note(text=sentence, at=now, job_key=job_key, execution_id=UUID(subject))
    return Note(text=sentence, at=now, job_key=subject)


def _beat_silent(rule: AlertRule, after: timedelta, now: datetime) -> Conditions:
    beats = Instance.objects.filter(kind=InstanceKind.BEAT)
    heard_at: datetime = beats.aggregate(at=Max("heartbeat_at"))["at"] or rule.created_at
    if now - heard_at < after:
        return {}
    since = f"{iso_seconds(heard_at)}, {duration(now - heard_at)} ago"
    return {"": f"No Beat has been heard of since {since}: nothing is planned."}


def _outbox_stuck(rule: AlertRule, after: timedelta, now: datetime) -> Conditions:
    if GlobalPause.objects.filter(ended_at__isnull=True).exists():
        return {}
    unsent = _overdue(after, now).unsent().exclude(reason=WAITS_FOR_A_SLOT)
    found = unsent.aggregate(count=Count("pk"), oldest=Min("due_at"))
    if not found["count"]:
        return {}
    noun = "run waits" if found["count"] == 1 else "runs wait"
    since = iso_seconds(found["oldest"])
    return {"": f"{found['count']} {noun} to be sent to the broker, the oldest since {since}."}


def _late(rule: AlertRule, after: timedelta, now: datetime) -> Conditions:
    """Jobs whose run waits for a worker, and jobs that no Beat has planned."""
    runs = _overdue(after, now)
    jobs = Job.objects.enabled().filter(next_due_at__lt=now - after)
    if rule.job_id is not None:
        runs, jobs = runs.filter(job_id=rule.job_id), jobs.filter(pk=rule.job_id)
    found = {}
    for job in jobs.order_by("next_due_at")[:MOST_SUBJECTS]:
        assert job.next_due_at is not None
        found[job.key] = f"{job.key} was due at {iso_seconds(job.next_due_at)} and is not planned."
    groups = runs.order_by().values("job_key", "task").annotate(n=Count("pk"), oldest=Min("due_at"))
    for group in groups.order_by("oldest")[:MOST_SUBJECTS]:
        name = group["job_key"] or group["task"]
        noun = "run waits" if group["n"] == 1 else "runs wait"
        since = iso_seconds(group["oldest"])
        found[name] = f"{name} is late: {group['n']} {noun} for a worker, the oldest since {since}."
    return found


def _slow(rule: AlertRule, after: timedelta, now: datetime) -> Conditions:
    runs = Run.objects.running().filter(started_at__lt=now - after).exclude(task=DELIVER)
    if rule.job_id is not None:
        runs = runs.filter(job_id=rule.job_id)
    found = {}
    for run in runs.order_by("started_at")[:MOST_SUBJECTS]:
        assert run.started_at is not None
        took = f"runs for {duration(now - run.started_at)} now, more than {duration(after)}"
        found[str(run.task_id)] = f"{run.job_key or run.task} {took}"
    return found


def _overdue(after: timedelta, now: datetime) -> RunQuerySet:
    """Waiting runs past their time. The outbox looks at them again within its longest pause."""
    soon = now + options().send_again_at_most_after + LEFT_ALONE
    waiting = Run.objects.waiting().filter(publish_at__lt=soon, due_at__lt=now - after)
    return waiting.exclude(task=DELIVER)


_CONDITIONS: Mapping[AlertKind, Callable[[AlertRule, timedelta, datetime], Conditions]] = {
    AlertKind.BEAT_SILENT: _beat_silent,
    AlertKind.OUTBOX_STUCK: _outbox_stuck,
    AlertKind.LATE: _late,
    AlertKind.SLOW: _slow,
}
_ENDS = {
    AlertKind.BEAT_SILENT: "A Beat is heard of again.",
    AlertKind.OUTBOX_STUCK: "The outbox is sent again.",
}
