"""What other rooms tell the consults: a payment has arrived."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from billing.signals import charge_paid
from consults.services import consult_paid
from consults.services.moves import ORDER_KIND


@receiver(charge_paid, dispatch_uid="consults.charge_paid")
def begin_paid_consult(kind: str, reference: UUID, **_: Any) -> None:
    """Ids only; the order itself is asked whether it is paid. A lost signal is found by the sweep."""
    if kind == ORDER_KIND:
        consult_paid(consult_id=reference)
