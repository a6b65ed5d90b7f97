"""`/alerts`: channels, rules and what was delivered."""

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Status

from schedules.access import MANAGE, OPERATE, VIEW, VIEW_DETAILS
from schedules.alerts import channels as channel_verbs
from schedules.alerts import rules as rule_verbs
from schedules.alerts.calling import signing_secret
from schedules.alerts.reading import all_channels, all_rules, channels_named, page_of_deliveries
from schedules.alerts.shapes import channel_shape, delivery_shape, rule_shape
from schedules.api.alert_schemas import (
    AlertChannelReply,
    AlertRuleReply,
    ChannelCreate,
    ChannelList,
    ChannelUpdate,
    DeliveryPage,
    DeliveryReply,
    Done,
    MuteRequest,
    RuleCreate,
    RuleList,
    RuleUpdate,
    SecretReply,
    as_changes,
)
from schedules.api.jobs import job_named
from schedules.models import AlertChannel, AlertRule
from schedules.querysets.clock import database_now
from schedules.rest.pages import PageQuery, envelope
from schedules.rest.rights import caller, needs

router = Router(tags=["alerts"], by_alias=True)


@router.get(
    "/alerts/channels", auth=needs(VIEW), response=ChannelList, operation_id="listAlertChannels"
)
def list_channels(request: HttpRequest) -> Any:
    """List the channels."""
    return {"items": [channel_shape(channel) for channel in all_channels()]}


@router.post(
    "/alerts/channels",
    auth=needs(MANAGE),
    response={201: SecretReply},
    operation_id="createAlertChannel",
)
def create_channel(request: HttpRequest, data: ChannelCreate) -> Any:
    """Make a channel. The answer has the key that signs what is sent over it."""
    made = channel_verbs.create_channel(**data.model_dump(), **_who(request))
    return Status(201, {**channel_shape(made), "signingSecret": signing_secret(made)})


@router.patch(
    "/alerts/channels/{int:channel_id}",
    auth=needs(MANAGE),
    response=AlertChannelReply,
    operation_id="updateAlertChannel",
)
def update_channel(request: HttpRequest, channel_id: int, data: ChannelUpdate) -> Any:
    """Change a channel; its kind stays."""
    channel = _channel_or_404(channel_id)
    changed = channel_verbs.edit_channel(channel, changes=data.given(), **_who(request))
    return channel_shape(changed)


@router.delete(
    "/alerts/channels/{int:channel_id}",
    auth=needs(MANAGE),
    response=Done,
    operation_id="deleteAlertChannel",
)
def delete_channel(request: HttpRequest, channel_id: int) -> Any:
    """Delete a channel; what was sent over it stays in the record."""
    channel_verbs.delete_channel(_channel_or_404(channel_id), **_who(request))
    return {"success": True, "message": "Channel deleted successfully"}


@router.post(
    "/alerts/channels/{int:channel_id}/test",
    auth=needs(OPERATE),
    response={202: DeliveryReply},
    operation_id="testAlertChannel",
)
def test_channel(request: HttpRequest, channel_id: int) -> Any:
    """Send a test message; its delivery says what becomes of it."""
    delivery = channel_verbs.send_test(_channel_or_404(channel_id), **_who(request))
    return Status(202, delivery_shape(delivery))


@router.post(
    "/alerts/channels/{int:channel_id}/key",
    auth=needs(MANAGE),
    response=SecretReply,
    operation_id="renewAlertChannelKey",
)
def renew_key(request: HttpRequest, channel_id: int) -> Any:
    """Give the channel a new signing key; the old one signs nothing more."""
    renewed = channel_verbs.renew_key(_channel_or_404(channel_id), **_who(request))
    return {**channel_shape(renewed), "signingSecret": signing_secret(renewed)}


@router.get("/alerts/rules", auth=needs(VIEW), response=RuleList, operation_id="listAlertRules")
def list_rules(request: HttpRequest) -> Any:
    """List the rules."""
    now = database_now()
    return {"items": [rule_shape(rule, now=now) for rule in all_rules()]}


@router.post(
    "/alerts/rules",
    auth=needs(MANAGE),
    response={201: AlertRuleReply},
    operation_id="createAlertRule",
)
def create_rule(request: HttpRequest, data: RuleCreate) -> Any:
    """Make a rule about one job, or about all."""
    given = {name: value for name, value in as_changes(data).items() if value is not None}
    who = _who(request)
    made = rule_verbs.create_rule(**_resolved(given), **who)
    return Status(201, rule_shape(made, now=who["now"]))


@router.patch(
    "/alerts/rules/{int:rule_id}",
    auth=needs(MANAGE),
    response=AlertRuleReply,
    operation_id="updateAlertRule",
)
def update_rule(request: HttpRequest, rule_id: int, data: RuleUpdate) -> Any:
    """Change a rule; its kind stays."""
    rule, who = _rule_or_404(rule_id), _who(request)
    changed = rule_verbs.edit_rule(rule, changes=_resolved(as_changes(data)), **who)
    return rule_shape(changed, now=who["now"])


@router.delete(
    "/alerts/rules/{int:rule_id}", auth=needs(MANAGE), response=Done, operation_id="deleteAlertRule"
)
def delete_rule(request: HttpRequest, rule_id: int) -> Any:
    """Delete a rule; what it has told stays in the record."""
    rule_verbs.delete_rule(_rule_or_404(rule_id), **_who(request))
    return {"success": True, "message": "Rule deleted successfully"}


@router.post(
    "/alerts/rules/{int:rule_id}/mute",
    auth=needs(OPERATE),
    response=AlertRuleReply,
    operation_id="muteAlertRule",
)
def mute_rule(request: HttpRequest, rule_id: int, data: MuteRequest | None = None) -> Any:
    """Silence a rule, until an instant or until it is unmuted."""
    asked, who = data or MuteRequest(), _who(request)
    rule = _rule_or_404(rule_id)
    muted = rule_verbs.mute_rule(rule, until=asked.until, reason=asked.reason or "", **who)
    return rule_shape(muted, now=who["now"])


@router.post(
    "/alerts/rules/{int:rule_id}/unmute",
    auth=needs(OPERATE),
    response=AlertRuleReply,
    operation_id="unmuteAlertRule",
)
def unmute_rule(request: HttpRequest, rule_id: int) -> Any:
    """Let a rule speak again."""
    who = _who(request)
    return rule_shape(rule_verbs.unmute_rule(_rule_or_404(rule_id), **who), now=who["now"])


@router.get(
    "/alerts/deliveries",
    auth=needs(VIEW_DETAILS),
    response=DeliveryPage,
    operation_id="listAlertDeliveries",
)
def list_deliveries(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """List what was sent, or is about to be, newest first."""
    found, total = page_of_deliveries(page=query.page, per_page=query.per_page)
    return envelope(query, map(delivery_shape, found), total=total)


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": caller(request), "source": "api", "now": database_now()}


def _resolved(given: dict[str, Any]) -> dict[str, Any]:
    """Put the rows in the place of their names. Raises InvalidInput for names without one."""
    if given.get("job") is not None:
        given["job"] = job_named(given["job"], field="job")
    if "channels" in given:
        given["channels"] = channels_named(given["channels"])
    return given


def _channel_or_404(number: int) -> AlertChannel:
    channel = AlertChannel.objects.filter(pk=number).first()
    if channel is None:
        raise Http404(f"There is no channel {number}.")
    return channel


def _rule_or_404(number: int) -> AlertRule:
    rule = AlertRule.objects.filter(pk=number).first()
    if rule is None:
        raise Http404(f"There is no rule {number}.")
    return rule
