"""Mail servers that are down, slow, strict or rude: delayed, never lost, never many times."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
import time_machine
from django.utils import timezone

from portal.context import Actor
from portal.errors import DomainError, NotAllowed, NotVisible
from portal.outbox import delivery
from portal.outbox.delivery import drain
from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.services import mail_queue, mail_send_again
from portal.permissions import Role
from tests.outbox.server import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("kinds")]
SUPPORT = Actor(None, Role.SUPPORT)


def queue(number: int = 1, **changes):
    return mail_queue(
        **{"kind": "tests.plain", "address": f"ana{number}@example.org", "once_key": f"deed:{number}", **changes}
    )


def later(**span):
    return time_machine.travel(timezone.now() + dt.timedelta(**span))


def test_a_mail_server_that_is_down_delays_mail_and_uses_up_no_try(mail_server, settings):
    """Fault 79: the cause stays done, the mail comes later."""
    settings.EMAIL_PORT = free_port()
    rows = [queue(number) for number in range(3)]
    for _attempt in range(20):
        assert drain(patient=False).server_down
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.attempts, row.lease) == ("waiting", 0, None)
    settings.EMAIL_PORT = mail_server.port
    assert drain(patient=False).sent == 3


def test_a_mail_for_later_waits_in_its_row_and_goes_once(mail_server):
    """FIELD_FAULTS 87: however often the broker hands the nudge out again, and to however many workers."""
    row = queue(send_after=timezone.now() + dt.timedelta(hours=3))
    for hour in range(3):
        with later(hours=hour, minutes=59, seconds=50):
            assert [drain(patient=False).sent for _worker in range(3)] == [0, 0, 0]
    with later(hours=3, minutes=1):
        assert sum(drain(only=row.pk).sent + drain(patient=False).sent for _worker in range(5)) == 1
    assert len(mail_server.mails) == 1


def test_a_nudged_drain_does_not_hammer_a_dead_server(mail_server, settings):
    settings.EMAIL_PORT = free_port()
    queue()
    assert drain().server_down
    settings.EMAIL_PORT = mail_server.port
    assert drain().server_down and not mail_server.mails
    delivery.server_breaker.worked()
    assert drain().sent == 1


def test_a_server_that_closes_shop_delays_everything(mail_server):
    mail_server.answers["ana1@example.org"] = "421 closing"
    queue(1)
    queue(2)
    assert drain().server_down
    mail_server.answers.clear()
    assert drain(patient=False).sent == 2


def test_a_greylisting_server_is_asked_again_later(mail_server):
    mail_server.answers["ana1@example.org"] = "450 come back later"
    row = queue(1)
    drain()
    row.refresh_from_db()
    assert (row.state, row.last_error, row.attempts) == ("waiting", "smtp_450", 1)
    assert dt.timedelta(seconds=20) < row.send_after - timezone.now() < dt.timedelta(seconds=40)
    mail_server.answers.clear()
    assert drain().sent == 0, "not before its time"
    with later(minutes=1):
        assert drain().sent == 1


def test_pauses_grow_and_the_last_try_leaves_a_stuck_mail_that_staff_can_see(mail_server, settings):
    settings.MAIL_MAX_ATTEMPTS = 4
    mail_server.answers["ana1@example.org"] = "451 not now"
    row = queue(1)
    pauses, clock = [], timezone.now()
    for _attempt in range(4):
        with time_machine.travel(clock, tick=False):
            drain()
            row.refresh_from_db()
            pauses.append(int((row.send_after - clock).total_seconds()))
            clock = row.send_after
    assert pauses[:3] == [30, 60, 120]
    assert (row.state, row.attempts, row.last_error) == (MailState.DEAD, 4, "smtp_451")
    with later(days=30):
        assert drain().sent == 0


def test_an_address_that_does_not_exist_is_not_tried_for_ever(mail_server):
    mail_server.answers["ana1@example.org"] = "550 no such person"
    row, other = queue(1), queue(2)
    drain()
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, row.last_error, row.attempts) == ("dead", "smtp_550", 1)
    assert other.state == "sent"


def test_a_server_that_hangs_up_before_it_has_the_mail_gets_it_again_at_once(mail_server):
    mail_server.hang_up_first = 1
    queue()
    assert drain().sent == 1
    assert len(mail_server.mails) == 1


def test_an_answer_that_was_lost_repeats_the_mail_once_under_the_same_message_id(mail_server):
    mail_server.mute = 1
    row = queue()
    assert drain().sent == 0
    row.refresh_from_db()
    assert (row.state, row.repeats, row.last_error) == ("waiting", 1, "outcome_unknown")
    with later(minutes=1):
        assert drain().sent == 1
    assert [mail.message_id for mail in mail_server.mails] == [row.message_id] * 2


def test_a_second_lost_answer_ends_it_for_staff_to_decide(mail_server):
    mail_server.mute = 99
    row = queue()
    drain()
    for days in range(1, 4):
        with later(days=days):
            drain()
    row.refresh_from_db()
    assert (row.state, row.last_error) == ("dead", "outcome_unknown")
    assert len(mail_server.mails) == 2


def test_one_mail_that_cannot_be_rendered_holds_up_nobody_and_logs_no_words(mail_server, caplog, settings):
    """Fault 86, and the cause of the fault is still found: its type is kept."""
    settings.MAIL_MAX_ATTEMPTS = 1
    broken, other = queue(1, kind="tests.broken"), queue(2)
    with caplog.at_level(logging.DEBUG):
        assert drain().sent == 1
    broken.refresh_from_db()
    other.refresh_from_db()
    assert (broken.state, broken.last_error, other.state) == ("dead", "render_KeyError", "sent")
    assert "ana" not in caplog.text and "example.org" not in caplog.text.replace("clearlakeskin.example", "")


def test_a_kind_that_is_gone_is_stuck_and_not_lost(mail_server):
    row = queue()
    OutgoingMail.objects.update(kind="tests.gone")
    drain()
    row.refresh_from_db()
    assert (row.state, row.last_error) == ("dead", "unknown_kind")


def test_support_can_send_a_stuck_mail_again_and_that_is_logged(mail_server):
    """Fault 94."""
    from portal.audit.models import AccessEvent

    mail_server.answers["ana1@example.org"] = "550 full"
    row = queue(1)
    drain()
    mail_server.answers.clear()
    again = mail_send_again(by=SUPPORT, mail_id=row.pk)
    assert (again.state, again.attempts) == ("waiting", 0)
    assert drain().sent == 1
    event = AccessEvent.objects.get()
    assert (event.action, event.object_id, event.basis) == ("send", row.pk, "again:smtp_550")


def test_only_a_stuck_mail_can_be_sent_again_and_only_by_those_who_may(mail_server):
    from uuid import uuid4

    row = queue()
    with pytest.raises(DomainError, match="mail_not_stuck"):
        mail_send_again(by=SUPPORT, mail_id=row.pk)
    with pytest.raises(NotVisible):
        mail_send_again(by=SUPPORT, mail_id=uuid4())
    for role in (Role.PATIENT, Role.GUARDIAN, Role.CLINICIAN, Role.OWNER, Role.ANONYMOUS):
        with pytest.raises(NotAllowed):
            mail_send_again(by=Actor(None, role), mail_id=row.pk)


def test_a_stuck_code_mail_is_not_sent_again_once_its_code_is_wiped(mail_server):
    row = queue(kind="tests.code", secret={"code": "1"})
    OutgoingMail.objects.update(state="dead", secret=None)
    with pytest.raises(DomainError, match="mail_too_old"):
        mail_send_again(by=SUPPORT, mail_id=row.pk)


def test_an_address_that_cannot_be_written_down_holds_up_nobody(mail_server):
    from uuid import uuid4

    from portal.outbox import registry

    registry.set_address_book(lambda account_id: "jürgen müller@@x")
    row, other = queue(1, account_id=uuid4(), address=None), queue(2)
    drain()
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, row.last_error, other.state) == ("dead", "not_sendable", "sent")


def test_an_end_that_nobody_foresaw_counts_as_maybe_sent_and_holds_up_nobody(mail_server, monkeypatch):
    from portal.outbox.smtp import Line

    real = Line.send

    def strange(self, message):
        real(self, message)
        if message.to == ["ana1@example.org"]:
            raise RuntimeError("marker-ZQX")

    monkeypatch.setattr(Line, "send", strange)
    row, other = queue(1), queue(2)
    drain()
    for days in (1, 2, 3):
        with later(days=days):
            drain()
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, row.last_error, other.state) == ("dead", "outcome_unknown", "sent")
    assert len(mail_server.to("ana1@example.org")) == 2


def test_a_stock_backend_that_cannot_tell_counts_a_lost_line_as_maybe_sent(mail_server, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    mail_server.mute = 99
    row = queue()
    for days in (0, 1, 2, 3):
        with later(days=days):
            drain()
    row.refresh_from_db()
    assert (row.state, row.last_error) == ("dead", "outcome_unknown")
    assert len(mail_server.mails) == 2
