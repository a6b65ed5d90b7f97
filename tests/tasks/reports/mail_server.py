"""A real SMTP server on loopback, which keeps what it takes and can be told to refuse."""

from asyncio import Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """The mails that were taken, each with its recipient; `port` is where the server listens.

    `on_mail` is called with a mail the server is about to take, before it says so.
    """

    port: int = 0
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    refusal: str = "550 5.1.1 no such mailbox"
    hung_up_on: set[str] = field(default_factory=set)
    on_mail: Callable[[EmailMessage], None] | None = None

    async def handle_RCPT(  # noqa: N802 - the name is the library's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        """Refuse the recipients in `refused`, and break off at those in `hung_up_on`."""
        if address in self.hung_up_on:
            assert isinstance(server.transport, Transport)
            server.transport.abort()
        if address in self.refused:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails += [(address, mail) for address in envelope.rcpt_tos]
        if self.on_mail is not None:
            self.on_mail(mail)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to this address."""
        return [mail for recipient, mail in self.mails if recipient == address]


class AnyPort(Controller):
    """A controller on a free port, which it tells once it is bound."""

    server: Any

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a server for the time of the block."""
    mailbox = Mailbox()
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()
