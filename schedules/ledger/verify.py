"""Does the ledger balance? Expected occurrences and rows are matched one to one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from schedules.ledger.expected import expected_occurrences
from schedules.models import Job, Run
from schedules.states import FINAL, Origin

MOST_EXAMPLES = 20


@dataclass(slots=True)
class Balance:
    """The result for one job: counts, and the first instants of each kind that are wrong."""

    job_key: str
    expected: int = 0
    matched: int = 0
    missing: int = 0
    extra: int = 0
    duplicate: int = 0
    unfinished: int = 0
    examples: dict[str, list[datetime]] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether each expected occurrence has just one row with an outcome, and no row is idle."""
        return not (self.missing or self.extra or self.duplicate or self.unfinished)

    def note(self, kind: str, instant: datetime) -> None:
        """Count one thing that is wrong."""
        setattr(self, kind, getattr(self, kind) + 1)
        examples = self.examples.setdefault(kind, [])
        if len(examples) < MOST_EXAMPLES:
            examples.append(instant)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row: the span of occurrences that it stands for."""

    first: datetime
    last: datetime
    count: int
    is_final: bool


def verify(
    jobs: Iterable[Job], *, after: datetime, until: datetime, now: datetime
) -> Iterator[Balance]:
    """Yield the balance of each job for the occurrences in (`after`, `until`], not later than
    `now`.
    """
    for job in jobs:
        yield verify_job(job, after=after, until=until, now=now)


def verify_job(job: Job, *, after: datetime, until: datetime, now: datetime) -> Balance:
    """Match the job's expected occurrences in (`after`, `until`] with its rows.

    An occurrence without a row is missing, a row without an occurrence extra, one covered twice a
    duplicate, one whose row has no outcome unfinished. Occurrences that are due and not planned yet
    count as missing: the caller gives Beat the time it needs.
    """
    balance = Balance(job.key)
    end = min(until, now)
    entries = _entries(job, after=after, until=end)
    entry = next(entries, None)
    covered = 0
    for instant in expected_occurrences(job, after=after, until=end):
        balance.expected += 1
        # Rows that end before this occurrence and matched fewer than they claim are extra.
        while entry is not None and entry.last < instant:
            covered, entry = _close(entry, covered, balance), next(entries, None)
        if entry is None or instant < entry.first:
            balance.note("missing", instant)
            continue
        balance.matched += 1
        covered += 1
        if not entry.is_final:
            balance.note("unfinished", instant)
    while entry is not None:
        covered, entry = _close(entry, covered, balance), next(entries, None)
    _count_doubles(job, balance, after=after, until=end)
    return balance


def _close(entry: _Entry, covered: int, balance: Balance) -> int:
    """Settle a row that lies behind us; return 0, the count for the next one."""
    for _ in range(entry.count - covered):
        balance.note("extra", entry.first)
    if covered > entry.count:
        balance.note("missing", entry.first)  # a range that counts too few
    return 0


def _count_doubles(job: Job, balance: Balance, *, after: datetime, until: datetime) -> None:
    """Rows that begin inside the span of the row before cover something twice."""
    last: datetime | None = None
    for entry in _entries(job, after=after, until=until):
        if last is not None and entry.first <= last:
            balance.note("duplicate", entry.first)
        last = entry.last if last is None else max(last, entry.last)


def _entries(job: Job, *, after: datetime, until: datetime) -> Iterator[_Entry]:
    rows = (
        Run.objects.filter(job=job, origin=Origin.TIMETABLE)
        .filter(scheduled_at__gt=after, scheduled_at__lte=until)
        .order_by("scheduled_at", "id")
        .values_list("scheduled_at", "until", "count", "state")
    )
    for first, last, count, state in rows.iterator(chunk_size=5000):
        yield _Entry(first, last or first, count, state in FINAL)
