"""Giving something of a record to somebody outside in an emergency: three clicks, one row of the register.

Minnesota lets a record out without consent in a medical emergency only when the patient could not be
asked (RULES 4.2); that is said in the row, since a release without consent is noted (RULES 4.4).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.dates import today
from portal.errors import DomainError
from portal.permissions import Permission, Purpose, require
from records.access import require_open
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import Entry, disclosures_record_many


class GiveReason(models.TextChoices):
    """Why it cannot wait: the closed list."""

    MEDICAL = "medical", _("A medical emergency of the patient, who cannot be asked")
    THREAT = "threat", _("Somebody is in serious danger")


class Part(models.TextChoices):
    """What is given: no more than is needed (RULES 1.43)."""

    ALLERGIES = "allergies", _("Allergies")
    MEDICINES = "medicines", _("Medicines")
    CONDITIONS = "conditions", _("Conditions")
    PLAN = "plan", _("The plan")
    PHOTOS = "photos", _("Photos")
    CONTACT = "contact", _("Name, birth date and contact details")


_BASES: dict[GiveReason, tuple[Purpose, DisclosureBasis]] = {
    GiveReason.MEDICAL: (Purpose.CARE, DisclosureBasis.EMERGENCY),
    GiveReason.THREAT: (Purpose.SAFETY, DisclosureBasis.SAFETY),
}


def emergency_disclose(
    *, by: Actor, patient_id: UUID, reason: GiveReason, recipient: str, parts: Iterable[str], why: str,
    asked_in_vain: bool, form_key: UUID, recipient_address: str = "",
) -> None:
    """Write down what goes out, to whom and why; the same key again writes nothing.

    Raises ``NotVisible`` unless the record is open to this clinician now, ``DomainError``:
    ``parts_missing``, ``why_missing``, ``asked_missing`` (RULES 4.2), and those of the register.
    """
    require(by, Permission.BREAK_GLASS)
    reason = GiveReason(reason)
    purpose, basis = _BASES[reason]
    require_open(by=by, patient_id=patient_id, purpose=purpose, whole=True)
    given = [str(Part(part).label) for part in parts]
    if not given:
        raise DomainError("parts_missing", _now("Choose what you give, and no more than is needed."), "parts")
    if not why.strip():
        raise DomainError("why_missing", _now("Say in a sentence why it cannot wait."), "why")
    if reason == GiveReason.MEDICAL and not asked_in_vain:
        raise DomainError(
            "asked_missing", _now("Without consent it may only go out when the patient cannot be asked."),
            "asked_in_vain",
        )
    lines = [", ".join(given), str(reason.label), why.strip()]
    if asked_in_vain:
        lines.append(_now("The patient’s consent could not be had in time."))
    entry = Entry(
        subject_id=patient_id, purpose=purpose, basis=basis, recipient=recipient, recipient_address=recipient_address,
        what="\n".join(lines), on=today(), reference=form_key,
    )
    disclosures_record_many(by=by, entries=[entry], once=True)
