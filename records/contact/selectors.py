"""How a person wants to be reached. Every sender asks here: mails, letters, and people who phone (P54)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from records.contact.models import ContactChoice
from records.people.models import AccessGrant, GrantKind
from records.vault.content import AddressView, opened


@dataclass(frozen=True, slots=True)
class Reach:
    """What was chosen, in the request ``asked_in``. Empty ``phone`` and ``address``: the usual ones of the record."""

    post_only: bool = False
    no_phone: bool = False
    no_voicemail: bool = False
    phone: str = ""
    address: AddressView = field(default_factory=AddressView)
    payment: str = ""
    asked_in: UUID | None = None

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
        payment=str(opened(row, "payment", "")), asked_in=row.request_id,
    )


def choice_of(request_id: UUID) -> ContactChoice | None:
    """What one request asks for."""
    return ContactChoice.objects.filter(request_id=request_id).first()


def by_post(account_ids: Iterable[UUID]) -> set[tuple[UUID, UUID | None]]:
    """Who of these accounts wants letters and no mail: (account, None) everything, (account, patient) what is theirs.

    A person's own wish is for all that is mailed to them. A parent or guardian follows the wish that stands in
    the record they look after, for what is about it; and for all, where they are here for no other record.
    One query; for the outbox.
    """
    wish = ContactChoice.objects.filter(patient_id=OuterRef("patient_id"), post_only=True, since__isnull=False)
    now = timezone.now()
    grants = AccessGrant.objects.filter(
        Q(kind=GrantKind.SELF, ends_at=None)
        | Q(Q(ends_at=None) | Q(ends_at__gt=now), kind=GrantKind.GUARDIAN, starts_at__lte=now),
        account_id__in=list(account_ids),
    )
    rows = grants.annotate(post=Exists(wish.filter(until=None))).values_list("account_id", "kind", "patient_id", "post")
    wishes: dict[UUID, list[tuple[bool, UUID, bool]]] = {}
    for account_id, kind, patient_id, post in rows:
        if account_id is not None:
            wishes.setdefault(account_id, []).append((kind == GrantKind.SELF, patient_id, post))
    found: set[tuple[UUID, UUID | None]] = set()
    for account_id, mine in wishes.items():
        found |= {(account_id, patient_id) for _own, patient_id, post in mine if post}
        own = [post for is_own, _patient, post in mine if is_own]
        if any(own) or (not own and all(post for *_rest, post in mine)):
            found.add((account_id, None))
    return found


def wants_post(account_id: UUID, patient_id: UUID | None) -> bool:
    """Whether what is about this patient goes to this account by post instead of mail."""
    return not by_post([account_id]).isdisjoint({(account_id, None), (account_id, patient_id)})
