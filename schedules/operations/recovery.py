"""Retrying or dismissing all failures of one cause, with one word."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from schedules.access import Source, record
from schedules.errors import InvalidInput, Refused
from schedules.models import Run
from schedules.operations.failures import members_of
from schedules.operations.missed import reason_to_dismiss
from schedules.operations.retry import run_again
from schedules.querysets.runs import RunQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Actor = AbstractBaseUser | AnonymousUser | str

MOST_AT_ONCE = 1000
"""Runs that one word sends again; the oldest go first, and the group stays with the rest."""

MOST_SAID = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From when to when the failures are looked at, by their nominal time.

    Raises InvalidInput for an end before its begin.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since > self.until:
            accepted = f"an instant no later than {self.until.isoformat()}"
            raise InvalidInput("from", self.since.isoformat(), accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What became of a group."""

    runs: int
    refused: list[str]
    """Why some cannot run again; the first ten of them."""
    left: int
    """How many are still in the group, those that were refused among them."""


class NoSuchGroup(Refused):
    """No failure of the period has this cause, or each of them was dealt with."""

    def __init__(self, group_id: str) -> None:
        super().__init__(
            f"No failure in this time belongs to the group {group_id!r} (any more);"
            " list the groups again."
        )


@transaction.atomic
def retry_group(
    group_id: str, *, period: Period, by: "Actor", source: Source, now: datetime, reason: str = ""
) -> Retried:
    """Run the failures of a group again, each as a new run with its own nominal time.

    The old runs keep their outcomes and are dealt with: they are in no group any more, so that a
    second word does not run them twice. Raises NoSuchGroup.
    """
    members = _members(group_id, period)
    chosen = _locked(members[:MOST_AT_ONCE])
    again, done, refused = list[Run](), list[int](), list[str]()
    for run in chosen.select_related("job"):
        try:
            again.append(run_again(run, by=by, now=now))
            done.append(run.pk)
        except (InvalidInput, Refused) as error:
            refused.append(str(error))
    Run.objects.bulk_create(again)
    Run.objects.filter(pk__in=done).update(dismissed_at=now)
    _record("retry_group", group_id, period, done, by=by, source=source, now=now, reason=reason)
    left = len(members) - len(done)
    return Retried(runs=len(again), refused=refused[:MOST_SAID], left=left)


@transaction.atomic
def dismiss_group(
    group_id: str, *, period: Period, by: "Actor", source: Source, now: datetime, reason: str
) -> int:
    """Note that the failures of a group need nothing more, and why; return how many there were.

    Raises NoSuchGroup, and InvalidInput without a reason.
    """
    why = reason_to_dismiss(reason)
    done = list(_locked(_members(group_id, period)).values_list("pk", flat=True))
    Run.objects.filter(pk__in=done).update(dismissed_at=now)
    _record("dismiss_group", group_id, period, done, by=by, source=source, now=now, reason=why)
    return len(done)


def _members(group_id: str, period: Period) -> list[int]:
    members = members_of(group_id, since=period.since, until=period.until)
    if not members:
        raise NoSuchGroup(group_id)
    return members


def _locked(members: list[int]) -> RunQuerySet:
    """The members that nobody has dealt with meanwhile; whoever comes second waits here."""
    open_ones = Run.objects.filter(pk__in=members, dismissed_at__isnull=True)
    return open_ones.select_for_update(no_key=True, of=("self",)).order_by("scheduled_at", "pk")


def _record(action: str, group_id: str, period: Period, done: list[int], **who: Any) -> None:
    after = {"runs": len(done), "from": period.since, "to": period.until}
    who["actor"] = who.pop("by")
    record(action, subject=f"failures:{group_id}", after=after, **who)
