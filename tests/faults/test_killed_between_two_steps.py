"""A worker killed by SIGKILL between any two steps, and a new one: the same end, nothing twice.

One mail may come a second time, under the same Message-ID, and only where the server had said yes
and the row was not yet committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from billing import services as billing
from billing.models import CheckoutAttempt, Effect, EffectKind, Order, Payment, Refund
from billing.state import OrderState, RefundState
from consults import services as consults
from consults.models import Consult
from consults.services import housekeeping
from consults.state import ConsultState
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.outbox import delivery
from portal.outbox.models import MailState, OutgoingMail
from records.intake.files import drop
from records.photos import files, processing
from records.photos.models import PhotoState
from tests.consults import building
from tests.faults.fuse import Work, at_every_step
from tests.faults.stage import HOW, later, somebody, stored, sweep_photo_files
from tests.outbox.server import MailServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quiet")]
Played = tuple[Work, Callable[[int], None]]


@pytest.mark.parametrize("reads", HOW)
def test_a_photo_is_prepared_whatever_kills_its_worker(reads: bool) -> None:
    user = somebody()
    consult = building.start(user)
    sweep_photo_files()
    before = stored(files.QUARANTINE, files.KEPT)

    def scene() -> Played:
        photo = consults.photo_send(
            by=user.actor, consult_id=consult.pk, view="close_up", form_key=uuid4(),
            upload=ContentFile(building.jpeg(), name="a.jpg"),
        )

        def holds(at: int) -> None:
            with later(5):
                processing.photos_sweep()
            photo.refresh_from_db()
            assert photo.state == PhotoState.READY, f"killed at {at}: {photo.state} {photo.refusal_code}"
            assert photo.quarantine_name == "" and photo.attempts <= 2
            sweep_photo_files()
            mine = {photo.image_name, photo.thumb_name}
            assert stored(files.QUARANTINE, files.KEPT) - before == mine, f"killed at {at}"
            drop(mine)

        return (lambda: processing.photo_process(photo_id=photo.pk)), holds

    assert at_every_step(scene, reads=reads) > 8


@pytest.mark.promise("P24")
@pytest.mark.parametrize("reads", HOW)
def test_a_mail_is_sent_whatever_kills_its_worker(reads: bool, server: MailServer) -> None:
    repeated = []

    def scene() -> Played:
        user = somebody()
        building.waiting(user)
        mine = OutgoingMail.objects.filter(account_id=user.pk)
        assert mine.count() == 1

        def holds(at: int) -> None:
            with later(10):
                delivery.recover()
                delivery.drain(patient=False)
            row = mine.get()
            got = [mail for mail in server.mails if user.email in mail.to]
            assert row.state == MailState.SENT, f"killed at {at}: {row.state} {row.last_error}"
            assert 1 <= len(got) <= 2 and {mail.message_id for mail in got} == {row.message_id}
            if len(got) == 2:
                assert row.repeats == 1, "sent twice without being noted"
                repeated.append(at)

        return delivery.drain, holds

    assert at_every_step(scene, reads=reads) >= 4
    assert len(repeated) == 1, f"repeated after a death at {repeated}: only between the yes and the commit"


def _paid_once(user: User, order: Order, consult: Consult, at: int) -> None:
    """One payment, one number, one effect, the consult sent once, one mail of each kind."""
    order.refresh_from_db()
    consult.refresh_from_db()
    assert order.state == OrderState.PAID, f"killed at {at}: {order.state}"
    assert consult.state == ConsultState.SUBMITTED, f"killed at {at}: {consult.state}"
    payment = Payment.objects.get(order=order)
    assert payment.receipt_number
    assert [effect.done_at is None for effect in Effect.objects.filter(order=order)] == [False]
    kinds = Counter(OutgoingMail.objects.filter(account_id=user.pk).values_list("kind", flat=True))
    assert kinds == {"consults.received": 1, "billing.receipt_ready": 1}, f"killed at {at}"
    paid = AccessEvent.objects.filter(object_id=consult.pk, action=Action.PAY).count()
    assert paid == 1, f"killed at {at}: noted {paid} times"


def _sweeps() -> None:
    """Beat's round of everything about money, after the dead worker's claims ran out."""
    with later(90):
        billing.reconcile()
        billing.sweep()
        housekeeping.sweep()


@pytest.mark.promise("P15")
@pytest.mark.parametrize("reads", HOW)
def test_a_payment_has_one_effect_whatever_kills_its_worker(
    reads: bool, standin: Any, pay_at_square: Callable[[str], Any]
) -> None:
    numbers: list[int] = []

    def scene() -> Played:
        user = somebody()
        consult = building.sent(user)
        order = Order.objects.get(pk=consult.order_id)
        pay_at_square(billing.checkout_start(by=user.actor, order=order))

        def holds(at: int) -> None:
            _sweeps()
            _paid_once(user, order, consult, at)
            numbers.append(Payment.objects.get(order=order).receipt_number)

        return (lambda: billing.payment_sync(order.pk)), holds

    assert at_every_step(scene, reads=reads, stride=3 if reads else 1) >= 4
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "receipts without a gap"


@pytest.mark.promise("P15")
@pytest.mark.parametrize("reads", HOW)
def test_an_event_of_square_has_one_effect_whatever_kills_its_worker(
    reads: bool, standin: Any, pay_at_square: Callable[[str], Any]
) -> None:
    events: list[bytes] = []
    standin.world.emit = lambda event_type, kind, thing: events.append(standin.hooks.body(event_type, kind, thing))

    def scene() -> Played:
        user = somebody()
        consult = building.sent(user)
        order = Order.objects.get(pk=consult.order_id)
        events.clear()
        pay_at_square(billing.checkout_start(by=user.actor, order=order))
        noted = [row.pk for raw in events if (row := billing.webhook_store(raw)) is not None]
        assert noted

        def holds(at: int) -> None:
            with later(90):
                billing.sweep()
            _paid_once(user, order, consult, at)

        return (lambda: billing.webhook_process(noted[-1])), holds

    assert at_every_step(scene, reads=reads, stride=5 if reads else 1) >= 5


@pytest.mark.promise("P15")
@pytest.mark.parametrize("reads", HOW)
def test_money_goes_back_once_whatever_kills_its_worker(
    reads: bool, standin: Any, pay_at_square: Callable[[str], Any]
) -> None:
    def scene() -> Played:
        user = somebody()
        consult = building.sent(user)
        order = Order.objects.get(pk=consult.order_id)
        pay_at_square(billing.checkout_start(by=user.actor, order=order))
        billing.payment_sync(order.pk)
        payment = Payment.objects.get(order=order)
        refund = billing.refund_start(
            by=SYSTEM, payment=payment, amount_cents=payment.amount_cents, reason_code="consult_declined",
        )

        def holds(at: int) -> None:
            for round_ in (1, 2):  # a bank takes its time: the second look finds it done
                with later(90 * round_):
                    billing.sweep()
            refund.refresh_from_db()
            payment.refresh_from_db()
            assert refund.state == RefundState.COMPLETED, f"killed at {at}: {refund.state}"
            assert payment.refund_cents == payment.amount_cents
            assert Refund.objects.filter(payment=payment).count() == 1
            told = [r for r in standin.world.tables.refunds.values() if r["payment_id"] == payment.square_payment_id]
            assert len(told) == 1, f"killed at {at}: given back {len(told)} times"
            effects = Effect.objects.filter(order=order, kind=EffectKind.CHARGE_REFUNDED)
            assert [effect.done_at is None for effect in effects] == [False]

        return (lambda: billing.refund_send(refund.pk)), holds

    assert at_every_step(scene, reads=reads) >= 3


def test_a_person_whose_request_died_on_the_way_to_square_is_led_to_one_page(standin: Any) -> None:
    def scene() -> Played:
        user = somebody()
        order = Order.objects.get(pk=building.sent(user).order_id)

        def holds(at: int) -> None:
            billing.checkout_start(by=user.actor, order=order)
            assert CheckoutAttempt.objects.filter(order=order).count() == 1, f"killed at {at}"
            told = [o for o in standin.world.tables.orders.values() if o["reference_id"] == str(order.pk)]
            assert len(told) == 1, f"killed at {at}: {len(told)} orders at Square"

        return (lambda: billing.checkout_start(by=user.actor, order=order)), holds

    assert at_every_step(scene) >= 2
