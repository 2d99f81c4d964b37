"""Leaving, in one transaction: consults end, the account closes for good, one mail goes out and none after it (P28)."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from consults.services import consults_end
from portal.accounts.leaving import account_leave
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.errors import DomainError
from portal.outbox.leaving import address_come_back, address_leave
from portal.permissions import Permission, Purpose, require
from privacy.leaving import mails
from privacy.requests.models import RightsRequest
from privacy.requests.services import request_complete
from records.contact.services import Wanted, contact_ask, contact_begin
from records.guardians.selectors import looked_after
from records.models import AccessGrant, GrantKind

ADDRESS = ("street", "city", "state", "postal_code")


def leave(request: RightsRequest, by: Actor) -> None:
    """Carry a request to leave out, in its transaction; whatever comes after it goes by post.

    Raises ``DomainError``: ``no_account`` where there is no sign-in to close, ``looks_after`` for somebody
    who is a guardian here as well: their children would be left without one.
    """
    assert request.subject_id is not None
    # Never whoever else reads this record: what came by letter may be tied to a guardian's sign-in.
    account_id = own_account(request.subject_id)
    if account_id is None:
        raise DomainError("no_account", _("This person has no sign-in here, and no mail goes to them."))
    if looked_after(account_id):
        raise DomainError(
            "looks_after",
            _("You look after somebody else here. Call or write to us first, so that they are not left without you."),
        )
    ended = consults_end(by=SYSTEM, patient_id=request.subject_id)
    _letters_to(request)
    addresses = account_leave(by=by, account_id=account_id)
    if addresses:
        mails.left(request, addresses[0], ended=ended)
    for address in addresses:
        address_leave(address)
    request_complete(request)


def own_account(subject_id: UUID) -> UUID | None:
    """The sign-in of the patient's own, where there is one."""
    grants = AccessGrant.objects.filter(patient_id=subject_id, kind=GrantKind.SELF, ends_at=None)
    return grants.order_by("starts_at").values_list("account_id", flat=True).first()


def come_back(*, by: Actor, email: str) -> bool:
    """Write to this address again; False when it never left. The log names no address."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        if not address_come_back(email):
            return False
        access_record(
            by=by, action=Action.GRANT, purpose=Purpose.COMMUNICATING, subject_id=None,
            object_kind="outbox.leftaddress", object_id=None, basis="come_back",
        )
    return True


def _letters_to(request: RightsRequest) -> None:
    """An address given for letters is kept as the person's choice."""
    assert request.subject_id is not None
    told = request.particulars or {}
    address = {name: str(told[name]) for name in ADDRESS if told.get(name)}
    if address:
        contact_ask(
            by=SYSTEM, patient_id=request.subject_id, request_id=request.pk,
            wanted=Wanted(post_only=True, address=address),
        )
        contact_begin(by=SYSTEM, request_id=request.pk)
