"""Choosing other ways to be reached (RULES 1.38). What is reasonable is granted; nobody asks for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, Role, require
from records.access import require_open
from records.contact.models import ContactChoice
from records.people.models import Patient
from records.people.names import clean_line, clean_text


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choices as asked for; ``address`` has street, city, state and postal_code, or is empty."""

    post_only: bool = False
    no_phone: bool = False
    no_voicemail: bool = False
    phone: str = ""
    address: Mapping[str, str] = field(default_factory=dict)
    payment: str = ""


def contact_ask(*, by: Actor, patient_id: UUID, request_id: UUID, wanted: Wanted) -> ContactChoice:
    """Keep what is asked for, in the request's transaction. None of it at all means: back to the usual ways.

    Raises ``DomainError`` ``address_missing`` for post only without any address to send to.
    """
    if by.role in (Role.OFFICER, Role.SYSTEM):
        require(by, Permission.REQUESTS_HANDLE)
    else:
        require_open(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING)
    address = {name: clean_line(words) for name, words in wanted.address.items() if clean_line(words)}
    if address and not (address.get("street") and address.get("city")):
        raise DomainError("address_short", _("Give street and city at least."), "street")
    if wanted.post_only and not address and not _has_address(patient_id):
        raise DomainError("address_missing", _("Give the address to which we can send letters."), "street")
    row = ContactChoice.objects.create(
        patient_id=patient_id, request_id=request_id, post_only=wanted.post_only, no_phone=wanted.no_phone,
        no_voicemail=wanted.no_voicemail, phone=clean_line(wanted.phone), address=address,
        payment=clean_text(wanted.payment),
    )
    _audit(by, Action.SUBMIT, row)
    return row


def contact_begin(*, by: Actor, request_id: UUID) -> ContactChoice:
    """From now on every sender does so; the choices before these end. In the request's transaction."""
    row = ContactChoice.objects.select_for_update().filter(request_id=request_id).first()
    if row is None:
        raise NotVisible
    # One at a time for each patient: two requests carried out at once.
    Patient.objects.select_for_update(no_key=True).only("pk").get(pk=row.patient_id)
    if row.since is None:
        now = timezone.now()
        ContactChoice.objects.filter(patient_id=row.patient_id, since__isnull=False, until=None).update(until=now)
        row.since = now
        row.save(update_fields=["since"])
        _audit(by, Action.CHANGE, row)
    return row


def _has_address(patient_id: UUID) -> bool:
    patient = Patient.objects.only("address").filter(pk=patient_id).first()
    if patient is None:
        raise NotVisible
    return bool((patient.address or {}).get("street"))


def _audit(by: Actor, action: Action, row: ContactChoice) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.COMMUNICATING, subject_id=row.patient_id,
        object_kind="records.contactchoice", object_id=row.pk, basis=f"request:{row.request_id}",
    )
