"""What the pages of a consult say about money is true also when it came, or its price changed, in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from consults import services
from consults.models import Consult
from consults.state import ConsultState
from portal.accounts.models import User
from tests.consults.building import pay, sent

pytestmark = pytest.mark.django_db(transaction=True)
As = Callable[[User | None], Client]


def page(browser: Client, name: str, consult: Consult) -> str:
    return browser.get(reverse(f"consults:{name}", args=[consult.pk])).content.decode()


@pytest.fixture
def paid_draft(ana: User) -> Consult:
    """Sent, opened again to change something, and paid meanwhile on the page at Square that was still open."""
    consult = sent(ana)
    services.consult_revise(by=ana.actor, consult_id=consult.pk)
    pay(consult.order_id)
    services.consult_paid(consult_id=consult.pk)
    consult.refresh_from_db()
    assert consult.state == ConsultState.DRAFT
    return consult


def test_who_has_paid_already_is_not_told_to_pay_next(paid_draft: Consult, ana: User, as_: As) -> None:
    text = page(as_(ana), "review", paid_draft)
    assert "You have paid already" in text and "Next you pay" not in text and "go to payment" not in text


def test_taking_back_what_was_paid_meanwhile_promises_the_money_and_not_that_none_came(
    paid_draft: Consult, ana: User, as_: As
) -> None:
    browser = as_(ana)
    asked = page(browser, "withdraw", paid_draft)
    assert "goes back to your card" in asked and "Nothing was charged" not in asked
    browser.post(reverse("consults:withdraw", args=[paid_draft.pk]))
    done = page(browser, "consult", paid_draft)
    assert "goes back to your card" in done and "Nothing was charged" not in done


def test_a_new_price_does_not_change_what_was_agreed(ana: User, as_: As, settings: Any) -> None:
    """FIELD_FAULTS 57: the bill keeps its price, so every page shows that one."""
    consult, browser = sent(ana), as_(ana)
    settings.CONSULT_FEE_CENTS = 6900
    assert "$69" not in browser.get(reverse("consults:home")).content.decode()
    assert "$59.00" in page(browser, "consult", consult)
    services.consult_revise(by=ana.actor, consult_id=consult.pk)
    text = page(browser, "review", consult)
    assert "Next you pay $59.00" in text and "$69" not in text


def test_the_home_page_leads_to_what_was_paid(ana: User, as_: As) -> None:
    sent(ana)
    assert reverse("billing:payments") in as_(ana).get(reverse("consults:home")).content.decode()
