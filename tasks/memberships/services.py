"""What people do with a membership: prolong it, call it off."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from schedules.public import Refused
from tasks.memberships.models import Membership


@transaction.atomic
def change_membership(
    membership_id: int, changes: Mapping[str, Any], *, now: datetime
) -> Membership:
    """Change fields of a membership and return it; one that is prolonged past `now` is active
    again.

    Raises Membership.DoesNotExist, Refused for one that was cancelled, and ValidationError for
    values that it refuses.
    """
    # Locked, so that it does not expire between the look and the change.
    membership = _locked(membership_id)
    if membership.status == Membership.Status.CANCELLED:
        raise Refused(f"Membership {membership_id} is cancelled. Make a new one instead.")
    for name, value in changes.items():
        setattr(membership, name, value)
    if membership.ends_at is None or membership.ends_at > now:
        membership.status, membership.expired_at = Membership.Status.ACTIVE, None
    membership.full_clean()
    membership.save()
    return membership


@transaction.atomic
def cancel_membership(membership_id: int) -> Membership:
    """Cancel an active membership; one that is cancelled stays so.

    Raises Membership.DoesNotExist, and Refused for one that has expired.
    """
    membership = _locked(membership_id)
    if membership.status == Membership.Status.EXPIRED:
        raise Refused(f"Membership {membership_id} has expired already.")
    membership.status = Membership.Status.CANCELLED
    membership.save(update_fields=["status"])
    return membership


def _locked(membership_id: int) -> Membership:
    rows = Membership.objects.select_for_update(no_key=True, of=("self",))
    return rows.get(pk=membership_id)
