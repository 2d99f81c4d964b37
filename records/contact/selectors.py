"""How a person wants to be reached. Every sender asks here: mails, letters, and people who phone (P54)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from records.contact.models import ContactChoice
from records.people.models import AccessGrant, GrantKind
from records.vault.content import AddressView, opened


@dataclass(frozen=True, slots=True)
class Reach:
    """What was chosen. Empty ``phone`` and ``address``: the usual ones of the record."""

    post_only: bool = False
    no_phone: bool = False
    no_voicemail: bool = False
    phone: str = ""
    address: AddressView = field(default_factory=AddressView)
    payment: str = ""

    def __bool__(self) -> bool:
        return bool(
            self.post_only or self.no_phone or self.no_voicemail or self.phone or self.address or self.payment
        )


USUAL = Reach()


def reach_of(patient_id: UUID) -> Reach:
    """The choices in force; ``USUAL`` where there are none. One query."""
    row = ContactChoice.objects.filter(patient_id=patient_id, since__isnull=False, until=None).first()
    return USUAL if row is None else reach_from(row)


def reach_from(row: ContactChoice) -> Reach:
    """A row, opened. An address that cannot be read is left to the usual one."""
    parts = opened(row, "address", {}) or {}
    return Reach(
        post_only=row.post_only, no_phone=row.no_phone, no_voicemail=row.no_voicemail,
        phone=str(opened(row, "phone", "")),
        address=AddressView(**{name: str(parts.get(name, "")) for name in AddressView.__slots__}),
        payment=str(opened(row, "payment", "")),
    )


def choice_of(request_id: UUID) -> ContactChoice | None:
    """What one request asks for."""
    return ContactChoice.objects.filter(request_id=request_id).first()


def by_post(account_ids: Iterable[UUID]) -> set[UUID]:
    """Of these accounts those whose own person wants everything by post. One query; for the outbox."""
    patients = ContactChoice.objects.filter(post_only=True, since__isnull=False, until=None).values("patient_id")
    own = AccessGrant.objects.filter(
        account_id__in=list(account_ids), kind=GrantKind.SELF, ends_at=None, patient_id__in=patients
    )
    return {account_id for account_id in own.values_list("account_id", flat=True) if account_id is not None}
