"""Money that somebody must look at is on a desk with a count: nobody has to stumble over it (FIELD_FAULTS 55, 93)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from billing import services, square
from billing.models import Payment, Refund
from billing.selectors import money_trouble
from billing.state import PaymentProblem, RefundState
from portal.context import SYSTEM


@pytest.fixture
def twice(standin: Any, ana: Any, paid: Any, pay_at_square: Any) -> Payment:
    """Ana paid her order and then, on a page that was still open, once more."""
    order = paid(ana)
    other = square.link_create(
        key="second", reference=order.pk, item_name="Online consult fee", money=square.Money(5900, "USD"),
        redirect_url="https://clinic.example/",
    )
    pay_at_square(other.url)
    services.reconcile()
    return Payment.objects.get(problem=PaymentProblem.TWICE)


def test_a_second_payment_waits_on_the_desk_until_it_is_given_back(twice: Payment, support: Any, as_: Any) -> None:
    client = as_(support)
    page = client.get(reverse("admin:money_desk")).content.decode()
    assert "The order was already paid" in page and "$59.00" in page and twice.square_payment_id in page
    home = client.get(reverse("admin:index")).content.decode()
    assert reverse("admin:money_desk") in home and "1 waiting" in home
    services.refund_start(by=SYSTEM, payment=twice, amount_cents=5900, reason_code="paid_twice")
    assert money_trouble() == []
    assert "No money waits" in client.get(reverse("admin:money_desk")).content.decode()


@pytest.mark.parametrize("state", [RefundState.FAILED, RefundState.REJECTED])
def test_a_refund_that_did_not_go_through_waits_until_the_money_is_back(
    standin: Any, ana: Any, paid: Any, state: RefundState
) -> None:
    """A disputed card, a closed account: Square says no, and the patient was told that money comes."""
    payment = paid(ana).payments.get()
    refund = services.refund_start(by=SYSTEM, payment=payment, amount_cents=5900, reason_code="service_not_given")
    assert money_trouble() == []  # it is on its way
    Refund.objects.filter(pk=refund.pk).update(state=state, error_code="PAYMENT_DISPUTED")
    Payment.objects.filter(pk=payment.pk).update(refund_cents=0)
    [line] = money_trouble()
    assert (line.amount, line.order_id, line.square_id) == ("$59.00", payment.order_id, payment.square_payment_id)
    services.refund_start(by=SYSTEM, payment=payment, amount_cents=5900, reason_code="by_hand", once_key="by hand")
    assert money_trouble() == []


def test_a_refund_that_was_never_sent_waits_too(standin: Any, ana: Any, paid: Any) -> None:
    payment = paid(ana).payments.get()
    refund = services.refund_start(by=SYSTEM, payment=payment, amount_cents=100, reason_code="goodwill")
    Refund.objects.filter(pk=refund.pk).update(attempts=99)
    [line] = money_trouble()
    assert line.amount == "$1.00"


def test_the_desk_names_no_person(twice: Payment, owner: Any, ana: Any, as_: Any) -> None:
    page = as_(owner).get(reverse("admin:money_desk")).content.decode()
    assert ana.email not in page and "Okafor" not in page and str(twice.order.subject_id) not in page
