"""Alerts as JSON: channels, rules, deliveries."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from schedules.rest.camel import WHOLE, Asked, Instant, Moment, Reply, Text

Kind = Literal[
    "failed",
    "failing",
    "recovered",
    "missed",
    "late",
    "lost",
    "slow",
    "suspect",
    "succeeded",
    "completed",
    "beat_silent",
    "outbox_stuck",
]
KindOrTest = Literal[Kind, "test"]
Way = Literal["email", "webhook", "slack"]
State = Literal["gathering", "pending", "sent", "failed"]
ChannelName = Annotated[str, Field(min_length=1, max_length=100)]
RuleName = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[int, Field(ge=0, le=2_592_000), WHOLE]
Times = Annotated[int, Field(ge=1, le=100), WHOLE]
Target = Annotated[str, Field(min_length=1, max_length=5_000)]
Names = Annotated[list[ChannelName], Field(min_length=1, max_length=20)]


class AlertChannelReply(Reply):
    """A place that alerts go to. Of a webhook's URL only the host is shown."""

    id: int
    name: str
    kind: Way
    target: str
    is_enabled: bool
    created_at: Moment


class SecretReply(AlertChannelReply):
    """A channel with the key that its receiver checks signatures with."""

    signing_secret: str = Field(description="As the Standard Webhooks write it: whsec_…")


class ChannelList(Reply):
    """All channels."""

    items: list[AlertChannelReply]


class ChannelCreate(Asked):
    """A new channel."""

    name: ChannelName
    kind: Way
    target: Target
    is_enabled: bool = True


class ChannelUpdate(Asked):
    """What changes of a channel; what is left out stays."""

    name: ChannelName = ""
    target: Target = ""
    is_enabled: bool = True


class AlertRuleReply(Reply):
    """What is told to whom."""

    id: int
    name: str
    kind: Kind
    job_id: int | None
    job_key: str | None
    channels: list[str]
    times: int
    after_seconds: float | None
    gather_seconds: float
    is_enabled: bool
    is_muted: bool
    muted_until: Moment | None
    muted_by: str | None
    mute_reason: str | None
    created_at: Moment


class RuleList(Reply):
    """All rules."""

    items: list[AlertRuleReply]


class RuleCreate(Asked):
    """A new rule. What is left out has the kind's own default."""

    kind: Kind
    channels: Names = Field(description="Names of channels.")
    name: RuleName | None = None
    job: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Key or number; null: every job."
    )
    times: Times | None = None
    after_seconds: Seconds | None = None
    gather_seconds: Seconds | None = None
    is_enabled: bool = True


class RuleUpdate(Asked):
    """What changes of a rule; what is left out stays, `job` null is every job."""

    name: RuleName = ""
    job: Annotated[str, Field(max_length=200)] | None = None
    channels: Names = Field(default_factory=list)
    times: Times = 1
    after_seconds: Seconds | None = None
    gather_seconds: Seconds = 60
    is_enabled: bool = True


class MuteRequest(Asked):
    """Until when, and why."""

    until: Instant | None = None
    reason: Text | None = None


class AlertReply(Reply):
    """One thing worth telling."""

    at: Moment
    job_key: str | None
    execution_id: str | None
    text: str


class DeliveryReply(Reply):
    """One message to one channel, and what became of it."""

    id: str
    channel_id: int | None
    channel_name: str
    rule_id: int | None
    rule_name: str | None
    kind: KindOrTest
    state: State
    count: int
    alerts: list[AlertReply] = Field(description="The first hundred of them.")
    opened_at: Moment
    last_at: Moment
    next_at: Moment | None
    ended_at: Moment | None
    attempts: int
    answer: str | None
    error: str | None


class DeliveryPage(Reply):
    """One page of deliveries, newest first."""

    items: list[DeliveryReply]
    total: int
    page: int
    per_page: int
    total_pages: int


class Done(Reply):
    """It is done."""

    success: bool
    message: str


def as_changes(data: Asked) -> dict[str, Any]:
    """Return what was sent, under the names and in the types of the verbs."""
    given = data.given()
    for name in ("after", "gather"):
        seconds = given.pop(f"{name}_seconds", ...)
        if seconds is not ...:
            given[name] = None if seconds is None else timedelta(seconds=seconds)
    return given
