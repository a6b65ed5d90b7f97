"""Deliveries: signed, bounded, tried again, written down, and never inside."""

import base64
import hmac
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core import mail

from schedules.alerts import calling, sending
from schedules.alerts.book import MOST_ATTEMPTS, MOST_KEPT, Note, note
from schedules.alerts.calling import NotDelivered, signing_secret
from schedules.alerts.channels import create_channel, delete_channel, renew_key, send_test
from schedules.alerts.jobs import deliver_alert
from schedules.alerts.targets import Target, read_url
from schedules.errors import InvalidInput, Refused
from schedules.models import Alert, AlertChannel, AlertRule, AuditEntry, Delivery, Run
from schedules.querysets.clock import database_now
from schedules.states import DeliveryState
from schedules.testing import execute
from tests.schedules.alerts.conftest import NOON, Receiver

pytestmark = pytest.mark.django_db


def send(delivery: Delivery, *, now: datetime = NOON) -> str | None:
    return sending.send(delivery.pk, clock=lambda: now, database=nullcontext)


def delivery_of(channel: AlertChannel) -> Delivery:
    return send_test(channel, by="siti", source="api", now=NOON)


def test_a_webhook_is_signed_so_that_a_receiver_can_check_it(
    hook: AlertChannel, receiver: Receiver
) -> None:
    delivery = delivery_of(hook)

    assert send(delivery) == "204 No Content"

    headers, body = receiver.calls[0]
    key = base64.b64decode(signing_secret(hook).removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, content, sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == str(delivery.pk)
    assert receiver.last["data"]["alerts"][0]["text"].startswith("This is a test of hook")


def test_a_new_key_ends_the_old_one(hook: AlertChannel) -> None:
    old = signing_secret(hook)

    renew_key(hook, by="siti", source="api", now=NOON)

    assert signing_secret(hook) != old


def test_no_row_holds_a_key_or_shows_a_target(hook: AlertChannel) -> None:
    rows = str(list(AlertChannel.objects.values())) + str(list(AuditEntry.objects.values()))

    assert signing_secret(hook) not in rows
    assert "secret=1" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_anything_but_success_is_tried_again_later(
    hook: AlertChannel, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    receiver.headers = {"Location": "http://127.0.0.1:1/"}
    delivery = delivery_of(hook)

    with pytest.raises(NotDelivered, match=f"answered {status}"):
        send(delivery)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.PENDING
    assert delivery.next_at == NOON + timedelta(seconds=30)
    assert send(delivery, now=NOON + timedelta(seconds=29)) is None
    assert len(receiver.calls) == 1, "a redirect was followed, or the pause was not kept"


def test_a_receiver_that_fails_for_an_hour_gets_it_in_the_end(
    hook: AlertChannel, receiver: Receiver
) -> None:
    receiver.status = 500
    delivery = delivery_of(hook)
    moment = NOON

    while moment < NOON + timedelta(hours=1):
        with pytest.raises(NotDelivered):
            send(delivery, now=moment)
        delivery.refresh_from_db()
        assert delivery.next_at is not None
        moment = delivery.next_at
    receiver.status = 200
    send(delivery, now=moment)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.SENT
    assert delivery.answer == "200 OK"
    assert len(receiver.calls) < 10


def test_it_is_given_up_after_ten_tries_and_the_row_says_why(
    hook: AlertChannel, receiver: Receiver
) -> None:
    receiver.status = 503
    delivery = delivery_of(hook)
    moment = NOON

    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(NotDelivered):
            send(delivery, now=moment)
        delivery.refresh_from_db()
        moment = delivery.next_at or moment

    assert delivery.state == DeliveryState.FAILED
    assert delivery.next_at is None
    assert "503" in delivery.error


def test_a_receiver_that_hangs_costs_its_patience_and_no_more(
    hook: AlertChannel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "PATIENCE", timedelta(milliseconds=300))
    receiver.hang.clear()

    with pytest.raises(NotDelivered, match=r"did not answer within 0\.3 s"):
        send(delivery_of(hook))


def test_a_receiver_that_drips_is_cut_off_too(
    settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte begins a socket's own time-out anew, so the whole has one of its own."""
    monkeypatch.setattr(calling, "PATIENCE", timedelta(milliseconds=300))
    with socket.create_server(("127.0.0.1", 0)) as server:
        origin = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings.SCHEDULES = {"alert_hosts": [origin]}
        target = Target(
            scheme="http",
            host="127.0.0.1",
            port=server.getsockname()[1],
            path="/",
            is_trusted=True,
        )

        stop = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"X-Slow: 1\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(NotDelivered, match="did not answer"):
            calling.call(target, b"{}", {})
        stop.set()
        thread.join(5)


def test_a_name_that_leads_inside_by_now_is_not_called(
    settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: the name was outside when the channel was made."""
    settings.SCHEDULES = {"alert_hosts": ["*.example.com"]}
    channel = AlertChannel.objects.create(
        name="hook", kind="webhook", target="https://hooks.example.com/", created_at=NOON
    )
    connected: list[Any] = []
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    monkeypatch.setattr(socket, "create_connection", lambda *a, **_: connected.append(a))

    with pytest.raises(NotDelivered, match="not a public address"):
        send(delivery_of(channel))

    assert connected == []


def test_the_name_is_looked_up_once_and_the_answer_is_called(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCHEDULES = {"alert_hosts": ["*.example.com"]}
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    connected: list[Any] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers.pop(0)]

    def refuse(address: Any, **_: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", refuse)

    with pytest.raises(NotDelivered):
        calling.call(read_url("https://hooks.example.com/x"), b"{}", {})

    assert connected == [("93.184.215.14", 443)]
    assert answers == [["127.0.0.1"]], "the name was looked up a second time"


def test_a_mail_goes_to_all_addresses_of_its_channel(mail_channel: AlertChannel) -> None:
    delivery = delivery_of(mail_channel)

    assert send(delivery) == "mailed to 1"

    assert mail.outbox[0].to == ["ops@example.com"]
    assert mail.outbox[0].subject == "[Downbeat] Test of operators"


def test_a_mail_server_that_is_down_is_tried_again(
    mail_channel: AlertChannel, settings: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    delivery = delivery_of(mail_channel)

    with pytest.raises(NotDelivered, match="the mail server: ConnectionRefusedError"):
        send(delivery)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.PENDING
    assert "ConnectionRefusedError" in delivery.error


def test_the_job_sends_and_its_run_says_what_was_answered(
    hook: AlertChannel, receiver: Receiver
) -> None:
    delivery = send_test(hook, by="siti", source="api", now=database_now())

    run = execute(deliver_alert, delivery=str(delivery.pk))

    assert (run.state, run.summary) == ("succeeded", "204 No Content")
    again = execute(deliver_alert, delivery=str(delivery.pk))
    assert again.summary == "There is nothing left to send."
    assert len(receiver.calls) == 1


def test_a_failed_try_of_the_job_waits_for_the_next_one(
    hook: AlertChannel, receiver: Receiver
) -> None:
    receiver.status = 500
    delivery = send_test(hook, by="siti", source="api", now=database_now())

    run = execute(deliver_alert, delivery=str(delivery.pk))

    assert run.state == "retrying"
    assert "500" in run.error


def test_ten_thousand_failures_in_a_minute_are_one_message(
    make_rule: Callable[..., AlertRule],
) -> None:
    rule = make_rule("failed")
    told = Note(text="sync failed: ValueError: <script>alert(1)</script>", at=NOON, job_key="sync")

    for _ in range(2 * MOST_KEPT):
        note(rule, told, now=NOON)
    Delivery.objects.update(count=10_000)  # all the others do what the last ones did

    delivery = Delivery.objects.get()
    assert Alert.objects.count() == MOST_KEPT
    assert Run.objects.filter(task="alerts.deliver_alert").count() == 1
    send(delivery, now=NOON + timedelta(minutes=1))
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject.startswith("[Downbeat] 10000 alerts (failed): sync (100)")
    assert "and 9980 more" in str(mail.outbox[0].body)


def test_what_comes_after_the_message_was_closed_is_the_next_one(
    make_rule: Callable[..., AlertRule],
) -> None:
    rule = make_rule("failed")
    note(rule, Note(text="first", at=NOON), now=NOON)
    send(Delivery.objects.get(), now=NOON + timedelta(minutes=1))

    note(rule, Note(text="second", at=NOON), now=NOON + timedelta(minutes=2))

    assert Delivery.objects.count() == 2
    assert [each.count for each in Delivery.objects.all()] == [1, 1]


def test_even_a_rule_that_gathers_nothing_is_limited(
    make_rule: Callable[..., AlertRule],
) -> None:
    rule = make_rule("completed")

    for _ in range(100):
        note(rule, Note(text="done", at=NOON), now=NOON)

    assert Delivery.objects.count() == 61
    assert Delivery.objects.get(state=DeliveryState.GATHERING).count == 40


def test_a_chat_reads_no_markup_of_a_job(receiver: Receiver, db: None, settings: Any) -> None:
    channel = AlertChannel.objects.create(
        name="chat", kind="slack", target=f"{receiver.origin}/s", created_at=NOON
    )
    delivery = delivery_of(channel)
    Alert.objects.update(text="<script>alert(1)</script> & co failed")

    send(delivery)

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co failed" in receiver.last["text"]


def test_what_was_told_outlives_its_channel(mail_channel: AlertChannel) -> None:
    delivery = delivery_of(mail_channel)

    delete_channel(mail_channel, by="siti", source="api", now=NOON)

    delivery.refresh_from_db()
    assert (delivery.channel, delivery.channel_name) == (None, "operators")
    with pytest.raises(NotDelivered, match="deleted"):
        send(delivery)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.FAILED


def test_a_disabled_channel_is_not_tested(mail_channel: AlertChannel) -> None:
    mail_channel.is_enabled = False

    with pytest.raises(Refused, match="disabled"):
        delivery_of(mail_channel)


@pytest.mark.parametrize(
    ("kind", "target"),
    [("email", "nobody"), ("email", ""), ("webhook", "http://example.com"), ("pigeon", "x")],
)
def test_a_channel_is_checked_when_it_is_made(db: None, kind: str, target: str) -> None:
    with pytest.raises(InvalidInput):
        create_channel(name="x", kind=kind, target=target, by="s", source="api", now=NOON)

    assert not AlertChannel.objects.exists()
    assert not AuditEntry.objects.exists()
