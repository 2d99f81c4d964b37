"""A real SMTP server for the tests, whose temper can be set."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Received:
    """One mail that the server said yes to."""

    sender: str
    to: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)  # type: ignore[return-value]

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass
class MailServer:
    """Says yes unless told otherwise: ``answers`` by address, ``mute`` takes the mail and hangs up."""

    port: int = 0
    mails: list[Received] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = ""
    mute: int = 0
    hang_up_first: int = 0
    connections: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _controller: Controller | None = None

    def start(self, port: int = 0) -> None:
        self.port = port or free_port()
        server = self

        class Counting(SMTP):
            def connection_made(self, transport: Any) -> None:
                server.connections += 1
                super().connection_made(transport)

        class Door(Controller):
            def factory(self) -> SMTP:
                return Counting(self.handler, enable_SMTPUTF8=True)

        self._controller = Door(self, hostname="127.0.0.1", port=self.port)
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self._controller.start()
        self.connections = 0  # the controller's own first look

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        if self.hang_up_first:
            self.hang_up_first -= 1
            server.transport.close()
            await asyncio.sleep(0)
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_answer:
            return self.data_answer
        with self._lock:
            self.mails.append(
                Received(str(envelope.mail_from), list(envelope.rcpt_tos), bytes(envelope.content or b""))
            )
            if self.mute:
                self.mute -= 1
                server.transport.close()
        return "250 OK"

    def to(self, address: str) -> list[Received]:
        return [mail for mail in self.mails if mail.to == [address]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
