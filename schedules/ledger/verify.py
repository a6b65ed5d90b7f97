"""Does the ledger balance? Expected occurrences and rows are matched one to one; and so are the
ends of runs that a job follows, and its runs after them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from schedules.ledger.expected import expected_occurrences
from schedules.ledger.following import (
    ends_to_follow,
    following_nothing,
    not_followed,
    unfinished_after_others,
)
from schedules.models import Dependency, Job, Run
from schedules.states import FINAL, Origin

MOST_EXAMPLES = 20
MOMENT = timedelta(microseconds=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)

_Row = tuple[datetime, datetime, int, bool]
"""First and last occurrence of a row, how many it stands for, whether it should have an outcome and
has none.
"""


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
        self.note_all(kind, 1, [instant])

    def note_all(self, kind: str, count: int, instants: Iterable[datetime]) -> None:
        """Count some things that are wrong in one way, of which `instants` are the first."""
        if count:
            setattr(self, kind, getattr(self, kind) + count)
            examples = self.examples.setdefault(kind, [])
            examples.extend(islice(instants, MOST_EXAMPLES - len(examples)))


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
    count as missing: the caller gives Beat the time it needs. A range that reaches over an edge of
    the span is counted as a whole. Nothing is asked about the time before the ledger begins.

    What the job runs after counts in the same way, by the nominal times of the runs it follows.
    """
    after, end = max(after, job.ledger_from or after), min(until, now)
    begin, last = _with_whole_ranges(job, after=after, until=end)
    match = _Match(Balance(job.key), _rows(job, after=begin, until=last, now=now))
    for instant in expected_occurrences(job, after=begin, until=last, now=now):
        match.expect(instant, counts=after < instant <= end)
    balance = match.finish()
    if Dependency.objects.filter(job=job).exists():
        _match_following(balance, job, after=after, until=until)
    return balance


class _Match:
    """The rows beside the expected occurrences, both in order; each is looked at once."""

    def __init__(self, balance: Balance, rows: Iterator[_Row]) -> None:
        self._balance = balance
        self._rows = rows
        self._covered = 0
        """Occurrences of the present row that were met so far."""
        self._reach = BEGINNING
        self._row = self._take()

    def expect(self, instant: datetime, *, counts: bool) -> None:
        """Look for the row of the next occurrence; it `counts` where it was asked about."""
        balance = self._balance
        balance.expected += counts
        while self._row is not None and self._row[1] < instant:
            self._close()
        if self._row is None or instant < self._row[0]:
            if counts:
                balance.note("missing", instant)
            return
        self._covered += 1
        balance.matched += counts
        if counts and self._row[3]:
            balance.note("unfinished", instant)

    def finish(self) -> Balance:
        """Settle the rows after the last occurrence and return the result."""
        while self._row is not None:
            self._close()
        return self._balance

    def _close(self) -> None:
        """Settle the present row, which lies behind us, and take the next one."""
        assert self._row is not None
        first, _, count, _ = self._row
        for _ in range(count - self._covered):
            self._balance.note("extra", first)
        if self._covered > count:
            self._balance.note("missing", first)  # a range that counts too few
        self._covered = 0
        self._row = self._take()

    def _take(self) -> _Row | None:
        """Return the next row. One that begins inside those before covers something twice."""
        for row in self._rows:
            first, last, _, _ = row
            if first <= self._reach:
                self._balance.note("duplicate", first)
                if last <= self._reach:
                    continue
            self._reach = last
            return row
        return None


def _match_following(balance: Balance, job: Job, *, after: datetime, until: datetime) -> None:
    """Add what the job was to run after. Ids that are made of the followed run's keep it from
    having two runs after one.
    """
    expected = ends_to_follow(job, after=after, until=until).count()
    wrong = {
        "missing": not_followed(job, after=after, until=until),
        "extra": following_nothing(job, after=after, until=until),
        "unfinished": unfinished_after_others(job, after=after, until=until),
    }
    missing = balance.missing
    for kind, runs in wrong.items():
        instants = runs.order_by("scheduled_at").values_list("scheduled_at", flat=True)
        balance.note_all(kind, runs.count(), instants[:MOST_EXAMPLES])
    balance.expected += expected
    balance.matched += expected - (balance.missing - missing)


def _with_whole_ranges(job: Job, *, after: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return the span, widened by the ranges that reach over its edges."""
    rows = Run.objects.filter(job=job, origin=Origin.TIMETABLE).order_by("-scheduled_at")
    spans = rows.values_list("scheduled_at", "until")
    begin, end = after, until
    # Rows do not overlap, so only the last one that begins before an edge can reach over it.
    for first, last in spans.filter(scheduled_at__lte=after)[:1]:
        if last is not None and last > after:
            begin = first - MOMENT
    for _, last in spans.filter(scheduled_at__lte=until)[:1]:
        if last is not None:
            end = max(until, last)
    return begin, end


def _rows(job: Job, *, after: datetime, until: datetime, now: datetime) -> Iterator[_Row]:
    rows = (
        Run.objects.filter(job=job, origin=Origin.TIMETABLE)
        .filter(scheduled_at__gt=after, scheduled_at__lte=until)
        .order_by("scheduled_at", "id")
        .values_list("scheduled_at", "until", "count", "state", "due_at")
    )
    for first, last, count, state, due_at in rows.iterator(chunk_size=5000):
        # What a person has moved to a later time may wait for it.
        yield first, last or first, count, state not in FINAL and due_at <= now
