"""Mail: two drains of the outbox against bare smtplib over one connection, to the same server.

Every round queues fresh mails to accounts, so that rendering, the address book, the claim and
one commit per mail are all in our time; the floor sends ready bytes of the same size.
"""

from __future__ import annotations

import smtplib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.row import BenchRow

ROUNDS = 7
MAILS = 800  # a round
NEEDS_DATABASE = True

_SERVER = """
import asyncio, logging, sys
from aiosmtpd.smtp import SMTP

logging.getLogger("mail.log").setLevel(logging.ERROR)

class Yes:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Yes(), loop=loop), "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

_DRAIN = """
import sys
import django
django.setup()
from django.conf import settings
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
settings.EMAIL_BACKEND = "portal.outbox.smtp.SmtpBackend"
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(sys.argv[2])
from portal.outbox import delivery
from tests.bench import mails
mails.register_kind()
print("ready", flush=True)
for _line in sys.stdin:
    result = delivery.drain(seconds=600, patient=False)
    print(result.sent, result.connections, flush=True)
"""


def register_kind() -> None:
    """The kind of mail that is measured: a notice with one link."""
    from portal.outbox.registry import Mail, MailContext, Rendered, register

    def render(context: MailContext) -> Rendered:
        return Rendered(
            text="A clinician has answered your consult. Your plan for the morning and the evening is ready.\n\n"
            f"Read it here:\nhttp://localhost:8000/consults/{context.refs['consult']}/\n\n"
            "If anything is unclear, write to us there."
        )

    register(Mail("bench.answered", "operational", render, "There is an answer from %(clinic)s"))


@contextmanager
def _process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _queue(count: int, accounts: list[object]) -> None:
    """Fresh rows, put in as one statement: queueing is not what is measured here."""
    from uuid import uuid4

    from django.utils import timezone

    from portal.outbox.models import OutgoingMail

    now = timezone.now()
    rows = []
    for number in range(count):
        key = uuid4()
        rows.append(
            OutgoingMail(
                id=key, kind="bench.answered", category="operational", once_key=f"bench:{key}",
                account_id=accounts[number % len(accounts)], refs={"consult": str(key)},
                message_id=f"<{key.hex}@clinic.example>", queued_at=now, send_after=now,
            )
        )
    OutgoingMail.objects.bulk_create(rows, batch_size=500)


def _sample() -> bytes:
    """One mail as we would send it."""
    from uuid import uuid4

    from portal.outbox.letters import build
    from portal.outbox.models import OutgoingMail
    from portal.outbox.registry import MailContext, mail_of

    register_kind()
    mail = mail_of("bench.answered")
    row = OutgoingMail(category="operational", message_id=f"<{uuid4().hex}@clinic.example>", account_id=uuid4())
    rendered = mail.render(MailContext({"consult": str(uuid4())}, {}, None))
    return build(row, mail, rendered, "reader@example.org").message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]


def _floor(port: int, content: bytes, count: int) -> float:
    """Mails a second of smtplib alone."""
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as line:
        for _number in range(count):
            line.sendmail("clinic@example.org", ["reader@example.org"], content)
    return count / (time.perf_counter() - started)


def _ours(drains: list[subprocess.Popen[str]], count: int, accounts: list[object]) -> tuple[float, int]:
    """Mails a second of two drains, and the connections they opened."""
    _queue(count, accounts)
    started = time.perf_counter()
    for child in drains:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = [child.stdout.readline().split() for child in drains if child.stdout is not None]
    took = time.perf_counter() - started
    assert sum(int(sent) for sent, _connections in answers) == count, "every mail was sent once"
    return count / took, sum(int(connections) for _sent, connections in answers)


def _accounts(count: int) -> list[object]:
    from uuid import uuid4

    from portal.accounts.models import User

    users = [User(email=f"bench-{uuid4().hex}@example.org", role="patient") for _number in range(count)]
    return [user.pk for user in User.objects.bulk_create(users)]


def rows() -> list[BenchRow]:
    """Mails a second, and connections per mail. Needs a migrated database of its own."""
    from django.db import connection

    from portal.outbox.models import OutgoingMail
    from tests.bench.row import BenchRow, settled

    OutgoingMail.objects.all().delete()  # what the rows before this one queued would be counted too
    port = _free_port()
    accounts = _accounts(100)
    content = _sample()
    opened: list[int] = []
    database = str(connection.settings_dict["NAME"])
    with (
        _process(_SERVER, str(port)),
        _process(_DRAIN, database, str(port)) as first,
        _process(_DRAIN, database, str(port)) as second,
    ):
        _floor(port, content, 200)
        _ours([first, second], 200, accounts)
        speed = settled(lambda: _speed([first, second], port, content, accounts, opened))
    sent = len(opened) * MAILS
    return [
        speed,
        BenchRow(
            name="mail connections", floor_label="mails / 50", floor=sent / 50, ours=sum(opened),
            ratio=sum(opened) / (sent / 50), goal=1, unit="connections",
        ),
    ]


def _speed(
    drains: list[subprocess.Popen[str]], port: int, content: bytes, accounts: list[object], opened: list[int]
) -> BenchRow:
    """Medians of rounds in turn; ``opened`` gets the connections of each."""
    from tests.bench.row import BenchRow

    floors, ours = [], []
    for _round in range(ROUNDS):
        floors.append(_floor(port, content, MAILS))
        speed, connections = _ours(drains, MAILS, accounts)
        ours.append(speed)
        opened.append(connections)
    floor, mine = statistics.median(floors), statistics.median(ours)
    return BenchRow(
        name=f"{ROUNDS} x {MAILS} mails to a local SMTP server", floor_label="smtplib over one connection",
        floor=floor, ours=mine, ratio=mine / floor, goal=0.5, unit="mails/s",
        extra="two drains, a commit per mail", sense="min",
    )
