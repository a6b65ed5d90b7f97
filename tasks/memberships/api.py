"""`/memberships`: who is a member, and until when."""

from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from schedules.public import InvalidInput, database_now
from schedules.public.rest import (
    NOT_BLANK,
    Asked,
    Instant,
    Moment,
    Paged,
    PageQuery,
    Reply,
    iso,
    needs,
    page_of,
    row_or_404,
)
from tasks.memberships.models import Membership
from tasks.memberships.services import cancel_membership, change_membership

router = Router(tags=["memberships"], by_alias=True)

VIEW, ADD = "memberships.view_membership", "memberships.add_membership"
CHANGE = "memberships.change_membership"

MembershipId = Annotated[int, Field(ge=1, le=2**63 - 1)]
States = Literal["active", "expired", "cancelled"]
MemberName = Annotated[str, Field(min_length=1, max_length=200), NOT_BLANK]
Plan = Annotated[str, Field(min_length=1, max_length=100), NOT_BLANK]
Address = Annotated[str, Field(max_length=254)]


class MembershipReply(Reply):
    """A membership; `endsAt` is the first instant at which it is no longer in force."""

    id: int
    member: str
    email: str
    plan: str
    starts_at: Moment
    ends_at: Moment | None
    status: States
    expired_at: Moment | None


class MembershipPage(Paged):
    """One page of memberships, by member."""

    items: list[MembershipReply]


class MembershipQuery(PageQuery):
    """Which memberships; `q` looks at member, address and plan."""

    q: Annotated[str, Field(max_length=100)] = ""
    status: States | None = None


class MembershipUpdate(Asked):
    """Changes to a membership: what is left out stays."""

    member: MemberName | None = None
    email: Address | None = None
    plan: Plan | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = Field(None, description="null: it has no end.")


class MembershipCreate(Asked):
    """A new membership."""

    member: MemberName
    email: Address = ""
    plan: Plan
    starts_at: Instant
    ends_at: Instant | None = Field(None, description="null: it has no end.")


@router.get("", auth=needs(VIEW), response=MembershipPage, operation_id="listMemberships")
def list_all(request: HttpRequest, query: Query[MembershipQuery]) -> Any:
    """List the memberships by member."""
    rows = Membership.objects.order_by("member", "starts_at", "pk")
    if query.status is not None:
        rows = rows.filter(status=query.status)
    if words := query.q.replace("\x00", ""):
        rows = rows.filter(
            Q(member__icontains=words) | Q(email__icontains=words) | Q(plan__icontains=words)
        )
    return page_of(rows, query, _shape)


@router.post("", auth=needs(ADD), response={201: MembershipReply}, operation_id="createMembership")
def create(request: HttpRequest, response: HttpResponse, data: MembershipCreate) -> Any:
    """Make a membership. `check_memberships` expires it once its end has come."""
    membership = Membership(**data.model_dump())
    membership.full_clean()
    membership.save()
    response.headers["Location"] = f"{request.path.rstrip('/')}/{membership.pk}"
    return Status(201, _shape(membership))


@router.get(
    "/{int:membership_id}",
    auth=needs(VIEW),
    response=MembershipReply,
    operation_id="getMembership",
)
def get(request: HttpRequest, membership_id: MembershipId) -> Any:
    """Show a membership."""
    return _shape(_membership_or_404(membership_id))


@router.patch(
    "/{int:membership_id}",
    auth=needs(CHANGE),
    response=MembershipReply,
    operation_id="updateMembership",
)
def update(request: HttpRequest, membership_id: MembershipId, data: MembershipUpdate) -> Any:
    """Change a membership; prolonged, it is active again. One that is cancelled is refused."""
    _membership_or_404(membership_id)
    given = data.given()
    for name, value in given.items():
        if value is None and name != "ends_at":
            raise InvalidInput(name, "null", "a value; leave it out to keep the old one")
    return _shape(change_membership(membership_id, given, now=database_now()))


@router.post(
    "/{int:membership_id}/cancel",
    auth=needs(CHANGE),
    response=MembershipReply,
    operation_id="cancelMembership",
)
def cancel(request: HttpRequest, membership_id: MembershipId) -> Any:
    """Cancel a membership; one that has expired is refused with 409."""
    _membership_or_404(membership_id)
    return _shape(cancel_membership(membership_id))


def _membership_or_404(membership_id: int) -> Membership:
    return row_or_404(Membership.objects.all(), membership_id)


def _shape(membership: Membership) -> dict[str, Any]:
    ends_at, expired_at = membership.ends_at, membership.expired_at
    return {
        "id": membership.pk,
        "member": membership.member,
        "email": membership.email,
        "plan": membership.plan,
        "startsAt": iso(membership.starts_at),
        "endsAt": None if ends_at is None else iso(ends_at),
        "status": membership.status,
        "expiredAt": None if expired_at is None else iso(expired_at),
    }
