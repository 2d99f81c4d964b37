"""What billing tells: a fee has been paid. Ids only; the sweep finds what got lost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from billing.signals import charge_paid
from privacy.fees.services import ORDER_KIND, quote_paid


@receiver(charge_paid, dispatch_uid="privacy.fee_paid")
def fee_paid(kind: str, reference: UUID, **_: Any) -> None:
    """The order itself is asked whether it is paid."""
    if kind == ORDER_KIND:
        quote_paid(reference)
