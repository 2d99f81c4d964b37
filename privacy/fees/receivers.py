"""What billing tells: a fee has been paid. Ids only; the sweep finds what got lost. And where its payer goes on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver
from django.urls import reverse

from billing.products import page_register
from billing.signals import charge_paid
from privacy.fees.models import FeeQuote
from privacy.fees.services import ORDER_KIND, quote_paid


@receiver(charge_paid, dispatch_uid="privacy.fee_paid")
def fee_paid(kind: str, reference: UUID, **_: Any) -> None:
    """The order itself is asked whether it is paid."""
    if kind == ORDER_KIND:
        quote_paid(reference)


def _page(quote_id: UUID) -> str:
    """The page of the request that a fee is for."""
    found = FeeQuote.objects.filter(pk=quote_id).values_list("request_id", flat=True).first()
    return reverse("privacy:request", args=[found]) if found else ""


page_register(ORDER_KIND, _page)
