"""The enumerations of the package: what a run, a job and an instance can be."""

from django.db.models import TextChoices


class RunState(TextChoices):
    """Where a run stands. It leaves the waiting states by a claim and never leaves a final one."""

    PLANNED = "planned", "planned"
    SENT = "sent", "sent"
    RUNNING = "running", "running"
    RETRYING = "retrying", "retrying"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    MISSED = "missed", "missed"
    SKIPPED = "skipped", "skipped"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"
    TIMED_OUT = "timed_out", "timed out"


WAITING = frozenset({RunState.PLANNED, RunState.SENT, RunState.RETRYING})
"""Claimable: the row exists and no worker owns it."""

UNSENT = frozenset({RunState.PLANNED, RunState.RETRYING})
"""Waiting, and in nobody's hands: the outbox sends it at its time."""

FINAL = frozenset(
    {
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.MISSED,
        RunState.SKIPPED,
        RunState.CANCELLED,
        RunState.LOST,
        RunState.TIMED_OUT,
    }
)
"""The outcomes. A run gets exactly one and keeps it."""

NOT_OVER = frozenset(RunState) - FINAL
"""A run in one of these is to have its outcome yet."""

FAILURES = frozenset({RunState.FAILED, RunState.LOST, RunState.TIMED_OUT})
"""Outcomes that are somebody's concern; what a client that knows only `failed` asks for."""

NEVER_RAN = frozenset({RunState.MISSED, RunState.SKIPPED, RunState.CANCELLED})
"""Outcomes of runs whose body was not (or not to the end) executed by decision; Celery calls them
REVOKED.
"""


class Origin(TextChoices):
    """Why a run exists."""

    TIMETABLE = "timetable", "timetable"
    OPERATOR = "operator", "operator"
    CALL = "call", "call"
    DEPENDENCY = "dependency", "dependency"
    BACKFILL = "backfill", "backfill"
    RECOVERY = "recovery", "recovery"


BY_ITSELF = frozenset({Origin.TIMETABLE, Origin.DEPENDENCY})
"""Origins of runs that nobody asked for one by one: a pause or a disable holds for them."""


class Which(TextChoices):
    """Which occurrences of a range a backfill runs."""

    MISSED = "missed", "never ran"
    FAILED = "failed", "failed"
    ALL = "all", "all"


class BackfillState(TextChoices):
    """Where a backfill stands."""

    OPEN = "open", "open"
    DONE = "done", "done"
    CANCELLED = "cancelled", "cancelled"


class After(TextChoices):
    """How a run must have ended for another job to run after it. Failed includes lost and timed
    out; what never ran (missed, skipped, cancelled) has not ended in any of these ways.
    """

    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    ENDED = "ended", "ended, either way"


class Overlap(TextChoices):
    """What happens to an occurrence that is due while `max_instances` of its job are running."""

    SKIP = "skip", "skip it"
    QUEUE_ONE = "queue_one", "queue one"
    QUEUE_ALL = "queue_all", "queue all"
    CANCEL_RUNNING = "cancel_running", "cancel the running one"
    ALLOW = "allow", "allow up to the maximum"


class OnLost(TextChoices):
    """What happens to a run whose worker vanished in the middle."""

    RETRY = "retry", "run again"
    FAIL = "fail", "end as lost"


class Owner(TextChoices):
    """Who decides about a job's fields: the code that declares it, or an operator."""

    DECLARED = "declared", "declared in code"
    OPERATOR = "operator", "operator"


class DayOff(TextChoices):
    """What becomes of an occurrence on a day that the job's calendar does not allow."""

    SKIP = "skip", "it does not take place"
    NEXT_DAY = "next_day", "at the same time of the next allowed day"


class ChangeState(TextChoices):
    """Where the change of one occurrence stands."""

    OPEN = "open", "waits for its time"
    USED = "used", "was planned by"
    UNDONE = "undone", "taken back"
    VOID = "void", "no occurrence of the timetable any more"


class JobType(TextChoices):
    """The kind of timetable."""

    INTERVAL = "interval", "interval"
    CRON = "cron", "cron"
    CLOCKED = "clocked", "one date"
    SOLAR = "solar", "solar"


class InstanceKind(TextChoices):
    """What an instance does."""

    BEAT = "beat", "Beat"
    WORKER = "worker", "worker"


class InstanceMode(TextChoices):
    """Whether an instance lives inside another process."""

    EMBEDDED = "embedded", "embedded"
    STANDALONE = "standalone", "standalone"


class InstanceStatus(TextChoices):
    """What an instance last said of itself; whether it still lives is its heartbeat's answer."""

    STARTING = "starting", "starting"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    STOPPED = "stopped", "stopped"


class AlertKind(TextChoices):
    """What an alert rule tells of."""

    FAILED = "failed", "failed"
    FAILING = "failing", "failed several times in a row"
    RECOVERED = "recovered", "recovered"
    MISSED = "missed", "missed"
    LATE = "late", "late"
    LOST = "lost", "lost"
    SLOW = "slow", "took too long"
    SUSPECT = "suspect", "green but suspect"
    SUCCEEDED = "succeeded", "succeeded"
    COMPLETED = "completed", "completed"
    BEAT_SILENT = "beat_silent", "Beat silent"
    OUTBOX_STUCK = "outbox_stuck", "outbox stuck"
    TEST = "test", "test"


class ChannelKind(TextChoices):
    """How an alert reaches people or programs."""

    EMAIL = "email", "e-mail"
    WEBHOOK = "webhook", "signed webhook"
    SLACK = "slack", "Slack-compatible webhook"


class DeliveryState(TextChoices):
    """Where a delivery stands."""

    GATHERING = "gathering", "gathering"
    PENDING = "pending", "pending"
    SENT = "sent", "sent"
    FAILED = "failed", "failed"
