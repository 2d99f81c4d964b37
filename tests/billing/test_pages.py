"""The payer's pages, and what they say about Square."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing import personal_data, selectors, services
from billing.models import CheckoutAttempt, Order, Payment
from billing.state import OrderState
from portal.agreements.models import Agreement
from portal.context import SYSTEM
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import MailContext, mail_of, subject_of
from portal.subjects import Subject

PAGES = ["billing:pay", "billing:return", "billing:receipt"]


@pytest.mark.promise("P15", "P04")
def test_the_hand_over_page_says_what_square_sees_and_whose_rules_hold(
    standin: Any, ana: Any, order_of: Any, as_: Any, settings: Any
) -> None:
    page = as_(ana).get(reverse("billing:pay", args=[order_of(ana).pk])).content.decode()
    assert f'href="{settings.SQUARE_PRIVACY_URL}" rel="noopener noreferrer' in page
    assert "$59.00" in page
    assert "Online consult fee" in page
    assert "<input" not in page.replace('<input type="hidden" name="csrfmiddlewaretoken"', "")
    assert standin.world.calls == []  # looking is not buying


@pytest.mark.promise("P15")
def test_a_press_leads_to_square_and_no_card_field_exists_here(standin: Any, ana: Any, order_of: Any, as_: Any) -> None:
    order = order_of(ana)
    answer = as_(ana).post(reverse("billing:pay", args=[order.pk]))
    assert answer.status_code == 302
    assert answer["Location"] == CheckoutAttempt.objects.get().url
    names = {f.name for model in (Order, Payment, CheckoutAttempt) for f in model._meta.get_fields()}
    assert not [n for n in names if "card" in n or "cvv" in n or "pan" in n]


def test_behind_the_proxy_the_agreement_is_kept_with_the_payers_own_address(
    standin: Any, ana: Any, order_of: Any, as_: Any, settings: Any
) -> None:
    """Not the proxy's, and not one that somebody made up in front of it (FIELD_FAULTS 67)."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    through = {"HTTP_X_FORWARDED_FOR": "192.0.2.44, 203.0.113.9", "REMOTE_ADDR": "10.0.0.2"}
    as_(ana).post(reverse("billing:pay", args=[order_of(ana).pk]), **through)
    assert {row.remote_address for row in Agreement.objects.filter(context="checkout")} == {"203.0.113.9"}


@pytest.mark.parametrize("name", PAGES)
def test_another_persons_order_is_not_found(standin: Any, ana: Any, ben: Any, paid: Any, as_: Any, name: str) -> None:
    url = reverse(name, args=[paid(ana).pk])
    assert as_(ben).get(url).status_code == 404
    assert as_(ben).post(url).status_code in {404, 405}
    assert as_(ben).get(reverse(name, args=[uuid4()])).status_code == 404
    assert as_(None).get(url).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_staff_do_not_use_the_payers_pages(
    standin: Any, ana: Any, clinician: Any, order_of: Any, as_: Any, name: str
) -> None:
    assert as_(clinician).get(reverse(name, args=[order_of(ana).pk])).status_code == 404


@pytest.mark.parametrize(
    "fault", [{"fail_next": 9, "fail_status": 500}, {"delay_seconds": 5.0}, {"fail_next": 9, "fail_status": 401}]
)
def test_when_square_is_down_the_person_is_told_that_all_is_saved(
    standin: Any, ana: Any, order_of: Any, as_: Any, fault: dict[str, Any], settings: Any
) -> None:
    settings.SQUARE_TIMEOUT_SECONDS = 1
    order = order_of(ana)
    standin.control(fault)
    page = as_(ana).post(reverse("billing:pay", args=[order.pk]))
    assert page.status_code == 503
    assert "Nothing was charged, and all you sent us is saved" in page.content.decode()
    order.refresh_from_db()
    assert order.state == OrderState.OPEN
    standin.control({"reset": True})
    assert as_(ana).post(reverse("billing:pay", args=[order.pk])).status_code == 302


def test_the_return_page_waits_with_square_and_then_sees_the_payment(
    standin: Any, ana: Any, order_of: Any, pay_at_square: Any, as_: Any
) -> None:
    order, browser = order_of(ana), as_(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    page = reverse("billing:return", args=[order.pk])
    assert b'data-outcome="unpaid"' in browser.get(page).content
    standin.control({"hold_payments": True})
    payment = pay_at_square(url)
    waiting = browser.get(page).content
    assert b'data-outcome="waiting"' in waiting
    assert b"hx-trigger" in waiting
    assert b"hx-trigger" not in browser.get(page + "?look=20").content
    assert b"?look=1" in browser.get(page + "?look=%C2%B2").content
    standin.control({"fail_next": 9})
    assert b'data-outcome="waiting"' in browser.get(page).content
    standin.control({"reset": True, "settle": payment["id"]})
    part = browser.get(page, headers={"HX-Request": "true"}).content
    assert b'data-outcome="paid"' in part
    assert b"<html" not in part
    assert b"hx-trigger" not in part


def test_words_in_the_return_address_are_not_believed(standin: Any, ana: Any, order_of: Any, as_: Any) -> None:
    order = order_of(ana)
    services.checkout_start(by=ana.actor, order=order)
    page = as_(ana).get(reverse("billing:return", args=[order.pk]) + "?transactionId=paid&status=COMPLETED")
    assert b'data-outcome="unpaid"' in page.content
    order.refresh_from_db()
    assert order.state == OrderState.OPEN


@pytest.mark.promise("S4")
def test_the_receipt_can_be_read_and_its_parts_are_there(
    standin: Any, ana: Any, paid: Any, as_: Any, settings: Any
) -> None:
    order = paid(ana)
    payment = order.payments.get()
    refund = services.refund_start(by=SYSTEM, payment=payment, amount_cents=900, reason_code="goodwill")
    page = as_(ana).get(reverse("billing:receipt", args=[order.pk])).content.decode()
    for part in ("R-000001", "$59.00", "$9.00", "Online consult fee", settings.CLINIC_LEGAL_NAME, "Ana Okafor"):
        assert part in page
    assert refund.state == "waiting"
    assert as_(ana).get(reverse("billing:pay", args=[order.pk])).status_code == 302


def test_an_unpaid_order_has_no_receipt(standin: Any, ana: Any, order_of: Any, as_: Any) -> None:
    order = order_of(ana)
    answer = as_(ana).get(reverse("billing:receipt", args=[order.pk]))
    assert answer["Location"] == reverse("billing:pay", args=[order.pk])


def test_the_list_asks_the_database_as_often_for_fifty_as_for_one(
    standin: Any, ana: Any, ben: Any, paid: Any, order_of: Any
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            selectors.order_lines(ana.pk)
        return len(seen)

    paid(ana)
    one = queries()
    for _ in range(10):
        paid(ana)
    for _ in range(39):
        order_of(ana)
    order_of(ben)
    assert len(selectors.order_lines(ana.pk)) == 50
    assert queries() == one == 3


def test_the_list_shows_what_is_paid_and_what_is_not(
    standin: Any, ana: Any, ben: Any, paid: Any, order_of: Any, as_: Any
) -> None:
    empty = as_(ana).get(reverse("billing:payments")).content.decode()
    assert "No payments yet" in empty
    done, due, foreign = paid(ana), order_of(ana), paid(ben)
    page = as_(ana).get(reverse("billing:payments")).content.decode()
    assert reverse("billing:receipt", args=[done.pk]) in page
    assert reverse("billing:pay", args=[due.pk]) in page
    assert str(foreign.pk) not in page


@pytest.mark.promise("P24")
def test_the_receipt_mail_has_no_payment_data(standin: Any, ana: Any, paid: Any) -> None:
    order = paid(ana)
    row = OutgoingMail.objects.get(kind="billing.receipt_ready")
    assert row.subject_id == order.subject_id
    entry = mail_of(row.kind)
    words = subject_of(entry) + entry.render(MailContext(row.refs, {}, row.account_id)).text
    assert reverse("billing:receipt", args=[order.pk]) in words
    for secret in ("59", "$", "USD", "fee", "R-0000", "Ana", "Online consult"):
        assert secret not in words.replace(str(order.pk), "")
    assert mail.outbox == []


def test_webhook_address_takes_posts_only(standin: Any, as_: Any, db: None) -> None:
    assert as_(None).get(reverse("billing:webhook")).status_code == 405


@pytest.mark.promise("P39")
def test_an_erasure_cuts_the_tie_to_the_account_and_keeps_the_books(
    standin: Any, ana: Any, ben: Any, paid: Any, as_: Any
) -> None:
    order, other = paid(ana), paid(ben)
    subject = Subject(order.subject_id, (ana.pk,))
    held = personal_data.export_for(subject)["orders"]
    assert [(o["amount_cents"], o["payments"][0]["receipt"]) for o in held] == [(5900, "R-000001")]
    assert personal_data.archive_for(subject)["orders"][0]["square_payment_ids"]
    assert personal_data.erase_for(subject) == {"billing.CheckoutAttempt": 1, "billing.Order": 1}
    assert personal_data.erase_for(subject) == {"billing.CheckoutAttempt": 0, "billing.Order": 0}
    order.refresh_from_db()
    assert (order.account_id, order.state) == (None, OrderState.PAID)
    assert Payment.objects.filter(order=order).exists()
    assert Order.objects.get(pk=other.pk).account_id == ben.pk
    assert as_(ana).get(reverse("billing:receipt", args=[order.pk])).status_code == 404


@pytest.mark.promise("P05")
def test_every_field_of_billing_has_a_class() -> None:
    from django.apps import apps

    for model in apps.get_app_config("billing").get_models():
        named = set(personal_data.FIELDS[model._meta.label])
        assert named == {field.name for field in model._meta.concrete_fields}
