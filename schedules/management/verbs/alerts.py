"""`scheduler alerts ...`: who is told what, and what was delivered."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from schedules.alerts import channels as channel_verbs
from schedules.alerts import rules as rule_verbs
from schedules.alerts.calling import signing_secret
from schedules.alerts.reading import all_channels, all_rules, channels_named, page_of_deliveries
from schedules.alerts.shapes import channel_shape, delivery_shape, rule_shape
from schedules.management.console import Console, ExitCode, NotFound
from schedules.management.operator import operator_name
from schedules.management.parser import instant, job_named, whole_number
from schedules.models import AlertChannel, AlertRule
from schedules.querysets.clock import database_now
from schedules.states import ChannelKind

HELP = f"""\
Who is told what, and what was delivered.

KIND of a rule is one of {", ".join(rule_verbs.KINDS)}.
A webhook goes only to hosts that ALERT_WEBHOOK_HOSTS names.

examples:
  manage.py scheduler alerts add-channel operators --kind email --target ops@example.com
  manage.py scheduler alerts add-rule failing --times 3 --job nightly --channel operators
  manage.py scheduler alerts add-rule beat_silent --channel operators
  manage.py scheduler alerts test operators
  manage.py scheduler alerts mute 4 --until 2026-12-24T00:00:00Z --reason "database move"
  manage.py scheduler alerts deliveries --json"""

MOST_SECONDS = 2_592_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")

    def action(name: str, summary: str) -> ArgumentParser:
        made: ArgumentParser = actions.add_parser(name, help=summary, description=summary)
        made.add_argument("--json", action="store_true", help="One JSON document.")
        return made

    action("rules", "List the rules.")
    action("channels", "List the channels.")
    deliveries = action("deliveries", "List what was sent, newest first.")
    deliveries.add_argument("--limit", default="20", metavar="N", help="1 to 100; default 20.")
    channel = action("add-channel", "Make a channel; prints the key that signs its webhooks.")
    channel.add_argument("name", metavar="NAME")
    channel.add_argument("--kind", required=True, help=f"{', '.join(ChannelKind.values)}.")
    channel.add_argument("--target", required=True, help="Addresses with commas, or a URL.")
    for name, summary in (
        ("test", "Send a test message over a channel."),
        ("delete-channel", "Delete a channel; what was sent stays in the record."),
    ):
        action(name, summary).add_argument("channel", metavar="CHANNEL", help="Its name.")
    rule = action("add-rule", "Make a rule.")
    rule.add_argument("kind", metavar="KIND")
    rule.add_argument("--channel", action="append", default=[], metavar="NAME", help="Repeatable.")
    rule.add_argument("--job", metavar="JOB", help="Key or number; without it every job.")
    rule.add_argument("--name", default="", help="What people call it.")
    rule.add_argument("--times", metavar="N", help="Failures in a row; 1 to 100.")
    rule.add_argument("--after", metavar="SECONDS", help="How long it may take.")
    rule.add_argument("--gather", metavar="SECONDS", help="Told together; 0: each by itself.")
    for name, summary in (
        ("delete-rule", "Delete a rule; what it told stays in the record."),
        ("mute", "Silence a rule."),
        ("unmute", "Let a rule speak again."),
    ):
        made = action(name, summary)
        made.add_argument("rule", metavar="RULE", help="Its number.")
        if name == "mute":
            made.add_argument("--until", metavar="ISO", help="When it ends by itself.")
            made.add_argument("--reason", default="", help="Why; kept in the audit record.")


def run(options: dict[str, Any], console: Console) -> ExitCode:
    """Do what is asked and show what came of it."""
    ACTIONS[options["action"]](options, console)
    return ExitCode.OK


def _rules(options: dict[str, Any], console: Console) -> None:
    shapes = [rule_shape(rule, now=database_now()) for rule in all_rules()]
    console.document({"items": shapes})
    rows = [
        [
            str(shape["id"]),
            shape["name"],
            shape["kind"],
            shape["jobKey"] or _about(shape["kind"]),
            ", ".join(shape["channels"]),
            "muted" if shape["isMuted"] else "on" if shape["isEnabled"] else "off",
        ]
        for shape in shapes
    ]
    console.table(["ID", "NAME", "KIND", "JOB", "CHANNELS", "STATE"], rows)


def _about(kind: str) -> str:
    return "the scheduler" if kind in rule_verbs.OF_THE_SCHEDULER else "every job"


def _channels(options: dict[str, Any], console: Console) -> None:
    shapes = [channel_shape(channel) for channel in all_channels()]
    console.document({"items": shapes})
    rows = [
        [shape["name"], shape["kind"], shape["target"], "on" if shape["isEnabled"] else "off"]
        for shape in shapes
    ]
    console.table(["NAME", "KIND", "TARGET", "STATE"], rows)


def _deliveries(options: dict[str, Any], console: Console) -> None:
    limit = whole_number(options["limit"], field="limit", least=1, most=100)
    found, _ = page_of_deliveries(per_page=limit)
    shapes = [delivery_shape(delivery) for delivery in found]
    console.document({"items": shapes})
    rows = [
        [
            shape["openedAt"][:19] + "Z",
            shape["channelName"],
            shape["kind"],
            str(shape["count"]),
            shape["state"],
            shape["answer"] or shape["error"] or "",
        ]
        for shape in shapes
    ]
    console.table(["AT", "CHANNEL", "KIND", "ALERTS", "STATE", "ANSWER"], rows)


def _add_channel(options: dict[str, Any], console: Console) -> None:
    made = channel_verbs.create_channel(
        name=options["name"], kind=options["kind"], target=options["target"], **_who()
    )
    secret = signing_secret(made)
    console.document({**channel_shape(made), "signingSecret": secret})
    console.text(f"Channel {made.name} is made.")
    if made.kind != ChannelKind.EMAIL:
        console.text(f"It signs with {secret}")


def _test(options: dict[str, Any], console: Console) -> None:
    delivery = channel_verbs.send_test(_channel(options), **_who())
    console.document(delivery_shape(delivery))
    console.text(f"A test is on its way to {delivery.channel_name}; `alerts deliveries` shows it.")


def _delete_channel(options: dict[str, Any], console: Console) -> None:
    channel = _channel(options)
    channel_verbs.delete_channel(channel, **_who())
    console.document({"success": True})
    console.text(f"Channel {channel.name} is deleted.")


def _add_rule(options: dict[str, Any], console: Console) -> None:
    who = _who()
    times = options["times"]
    made = rule_verbs.create_rule(
        kind=options["kind"],
        name=options["name"],
        job=job_named(options["job"]) if options["job"] else None,
        channels=channels_named(options["channel"]),
        times=whole_number(times, field="times", least=1, most=100) if times else None,
        after=_seconds(options, "after"),
        gather=_seconds(options, "gather"),
        **who,
    )
    console.document(rule_shape(made, now=who["now"]))
    console.text(f"Rule {made.pk} ({made.name}) is made.")


def _delete_rule(options: dict[str, Any], console: Console) -> None:
    rule = _rule(options)
    number = rule.pk
    rule_verbs.delete_rule(rule, **_who())
    console.document({"success": True})
    console.text(f"Rule {number} is deleted.")


def _mute(options: dict[str, Any], console: Console) -> None:
    until = instant(options["until"], field="until") if options["until"] else None
    who = _who()
    muted = rule_verbs.mute_rule(_rule(options), until=until, reason=options["reason"], **who)
    console.document(rule_shape(muted, now=who["now"]))
    console.text(f"Rule {muted.pk} is muted.")


def _unmute(options: dict[str, Any], console: Console) -> None:
    who = _who()
    rule = rule_verbs.unmute_rule(_rule(options), **who)
    console.document(rule_shape(rule, now=who["now"]))
    console.text(f"Rule {rule.pk} speaks again.")


ACTIONS: Mapping[str, Callable[[dict[str, Any], Console], None]] = {
    "rules": _rules,
    "channels": _channels,
    "deliveries": _deliveries,
    "add-channel": _add_channel,
    "test": _test,
    "delete-channel": _delete_channel,
    "add-rule": _add_rule,
    "delete-rule": _delete_rule,
    "mute": _mute,
    "unmute": _unmute,
}


def _who() -> dict[str, Any]:
    return {"by": operator_name(), "source": "cli", "now": database_now()}


def _channel(options: dict[str, Any]) -> AlertChannel:
    channel = AlertChannel.objects.filter(name=options["channel"]).first()
    if channel is None:
        raise NotFound("channel", options["channel"], "the name of a channel; `alerts channels`")
    return channel


def _rule(options: dict[str, Any]) -> AlertRule:
    reference = options["rule"]
    number = int(reference) if reference.isascii() and reference.isdecimal() else 0
    rule = AlertRule.objects.filter(pk=number).first()
    if rule is None:
        raise NotFound("rule", reference, "the number of a rule; `alerts rules` lists them")
    return rule


def _seconds(options: dict[str, Any], name: str) -> timedelta | None:
    if options[name] is None:
        return None
    seconds = whole_number(options[name], field=name, least=0, most=MOST_SECONDS, unit="seconds")
    return timedelta(seconds=seconds)
