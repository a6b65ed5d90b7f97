"""The outbox and the reaper: what a crash of anything left behind is found here."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Least

from schedules.adapters.unreadable import DATES
from schedules.broker import Backlog
from schedules.conf import options
from schedules.dispatch.broken import load
from schedules.dispatch.together import write_together
from schedules.finish import (
    TAKEN_BACK_WITHIN,
    Outcome,
    finish_all_waiting,
    finish_waiting,
    grace_of,
    has_follow_ups,
    judge_expired,
    lose_attempt,
)
from schedules.halts import Halt, global_pauses, halted, let_through
from schedules.lease import instance_id
from schedules.models import Instance, Run
from schedules.querysets.held import unless_held
from schedules.querysets.instances import LEASE
from schedules.querysets.runs import UNTOLD
from schedules.states import BY_ITSELF, NEVER_RAN, RunState

log = logging.getLogger(__name__)

RECENT = timedelta(minutes=1)

MOST_SENDS = 32_767
"""What the column holds; whoever was sent more often has this number."""

MOST_ENDED = 100
"""Runs that are ended in one transaction: some tens of milliseconds, in which SQLite takes no other
write.
"""

Expired = tuple[Run, Outcome]
"""A run that may no longer start, and how it ends."""

MOST_PASSED_OVER = 2_000
"""Runs that wait in the broker, and are looked at in one tick: some tens of milliseconds."""


def take_outbox(*, now: datetime, limit: int, backlog: Backlog) -> list[Run]:
    """Return runs that the broker must (again) be told about, and note when to look at each next.

    A run that was never handed over is always among them. One that was, and that nobody has
    claimed, is sent again when its queue has no `backlog` (then its message is lost) or when runs
    sent well after it have been claimed already; otherwise it only waits, and twice as long the
    next time. Several Beats share the outbox: each takes what no other holds.
    """
    # What a pause holds back waits here for its end; no worker would start it.
    ready = let_through(Run.objects.ready_to_send(now))
    if not ready.exists():
        return []  # without a transaction: on SQLite each takes the one write lock
    with transaction.atomic():
        # Asked for the other way about: by an index of the states a database would look through
        # all that waits in the broker, where it was to look through what is ready.
        sent = ready.exclude(UNTOLD)
        if not backlog.is_empty and sent.exists():
            waits = _waits_in(backlog, now=now)
            waiting = sent.filter(waits).locked().values_list("pk", flat=True)
            _look_again(list(waiting[:MOST_PASSED_OVER]), now)
            ready = ready.filter(UNTOLD | ~waits)
        runs = load(ready.locked()[:limit], now=now)
        _look_again([run.pk for run in runs], now, **_HANDED_OVER)
        return runs


def _waits_in(backlog: Backlog, *, now: datetime) -> Q:
    """Which runs that were sent only wait for their turn: their message may be in the broker, and
    none has overtaken it that was to be taken after it.

    What is in another queue, or of a higher priority, passes it by rights: a backlog is not sent
    again for that.
    """
    waits = ~Q(queue__in=backlog.emptied)
    for (queue, priority), claimed_up_to in _claimed_up_to(now).items():
        long_before = claimed_up_to - options().send_again_after
        waits &= ~Q(queue=queue, priority__gte=priority, sent_at__lt=long_before)
    return waits


_HANDED_OVER: dict[str, Any] = {
    # A broker that is away for two days would otherwise be offered a run more often than fits.
    "sends": Least(F("sends") + 1, MOST_SENDS),
    "state": RunState.SENT,
    "sent_at": Case(When(UNTOLD, then=None), default=F("sent_at")),
}
"""What is written of a run that is on its way to the broker."""


def _look_again(run_ids: Sequence[int], now: datetime, **also: Any) -> None:
    """Note when to look at the runs next, and what else there is to note: the pause doubles with
    the time since they were sent.
    """
    if not run_ids:
        return
    pause, longest = options().send_again_after, options().send_again_at_most_after
    steps = [When(UNTOLD, then=Value(now + min(pause, longest)))]
    while pause < longest:
        steps.append(When(sent_at__gte=now - pause, then=Value(now + pause)))
        pause *= 2
    at = Case(*steps, default=Value(now + longest), output_field=DateTimeField())
    Run.objects.filter(pk__in=run_ids).update(publish_at=at, **also)


def end_expired(*, now: datetime, limit: int = 500) -> int:
    """End waiting runs that may no longer start, as missed or as what held them back says; return
    how many.
    """
    if not Run.objects.expired(now).exists():
        return 0  # planning a query of three tables takes longer than finding nothing
    runs = Run.objects.expired(now).select_related("job__periodic_task")
    runs = runs.defer(*(f"job__periodic_task__{name}" for name in DATES))
    everything = global_pauses()
    ended = 0
    alone: list[Expired] = []
    for run in load(runs[:limit], now=now):
        outcome = _outcome_of_expired(run, everything, now=now)
        if outcome.state in NEVER_RAN and not has_follow_ups(run):
            alone.append((run, outcome))
        else:
            end = partial(finish_waiting, run, outcome, instance_id=instance_id())
            ended += unless_held(f"the end of run {run.task_id}", end)
    for start in range(0, len(alone), MOST_ENDED):
        ended += len(write_together(alone[start : start + MOST_ENDED], _end_expired))
    return ended


def _end_expired(expired: Sequence[Expired]) -> set[int]:
    """End runs that nothing follows, those with the same outcome by one statement; return their
    numbers.
    """
    alike: dict[tuple[str, str], tuple[Outcome, list[Run]]] = {}
    for run, outcome in expired:
        alike.setdefault((outcome.state, outcome.reason), (outcome, []))[1].append(run)
    ended: set[int] = set()
    for outcome, runs in alike.values():
        ended |= finish_all_waiting(runs, outcome, instance_id=instance_id())
    return ended


def _outcome_of_expired(run: Run, everything: Sequence[Halt], *, now: datetime) -> Outcome:
    if run.job is not None and run.origin in BY_ITSELF:
        why = halted(run.job, now=now, everything=everything)
        if why and run.attempt == 0:
            return Outcome(state=RunState.SKIPPED, reason=why)
    late = (now - run.due_at).total_seconds()
    reason = f"not started within {late:.0f} s of its time; no worker took it"
    return judge_expired(run, reason=reason)


def reap(*, now: datetime, limit: int = 500) -> int:
    """Take the runs of dead instances back, by the policy of each; return how many.

    Dead is who has stopped, or has not renewed its lease. What vanished longer ago than its misfire
    grace (and what it takes to notice), as after an old database was put back, is not begun again:
    it is lost. The caller makes sure that it has itself
    been connected for a whole lease, or an outage of the database would look like everybody's
    death.
    """
    if Instance.objects.ahead(now).exists():
        # Or a worker that died just before the clock was put back would live until it is caught up.
        Instance.objects.ahead(now).update(heartbeat_at=now)
    if not Run.objects.running().exists():
        return 0  # planning who is dead takes longer than all else that an idle Beat does
    owner = Instance.objects.filter(pk=OuterRef("instance_id"))
    orphaned = Run.objects.running().filter(
        Exists(owner.dead(now)) | (~Exists(owner) & _older_than(now - LEASE))
    )
    seen = Subquery(owner.values("heartbeat_at")[:1])
    vanished = orphaned.annotate(last_seen_at=Coalesce(seen, "started_at"))[:limit]
    last_seen = dict(vanished.values_list("pk", "last_seen_at"))
    reaped = 0
    for run in load(Run.objects.running().filter(pk__in=last_seen), now=now):
        reason = f"its worker (instance {run.instance_id}) vanished"
        gone_for = now - last_seen[run.pk]
        grace = grace_of(run)
        too_late = grace is not None and gone_for > grace + TAKEN_BACK_WITHIN
        if too_late:
            reason += f" {gone_for.total_seconds():.0f} s ago, too long for another try"
        take = partial(take_back, run, reason=reason, too_late=too_late)
        reaped += unless_held(f"taking back run {run.task_id}", take)
    return reaped


def take_back(run: Run, *, reason: str, too_late: bool = False) -> bool:
    """Take a run from who vanished with it, by its policy, and log that; False if it had ended."""
    state = lose_attempt(run, reason=reason, too_late=too_late)
    if state is None:
        return False
    words = "Run %s of %s is taken back and %s: %s"
    log.warning(words, run.task_id, run.task, state, reason, extra={"action": "reaped"})
    return True


def forget_sending() -> int:
    """Make every sent run due for sending at once: the broker has lost its memory."""
    return Run.objects.filter(state=RunState.SENT).send_again()


def _older_than(instant: datetime) -> Exists:
    return Exists(Run.objects.filter(pk=OuterRef("pk"), started_at__lt=instant))


def _claimed_up_to(now: datetime) -> dict[tuple[str, int], datetime]:
    """The latest sending time, by queue and priority, among the runs that a worker took after it,
    and ended of late.

    What was missed or cancelled in the queue has overtaken nothing: with every worker down it would
    have the whole backlog sent again.
    """
    recent = Run.objects.filter(finished_at__gt=now - RECENT, started_at__gte=F("sent_at"))
    latest = recent.order_by().values_list("queue", "priority").annotate(latest=Max("sent_at"))
    return {(queue, priority): sent_at for queue, priority, sent_at in latest}
