"""What changed about a patient: by whom, on what basis, from what to what (P30, P38)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.changes import Basis
from records.people.models import Patient
from records.vault.content import AddressView, ChangeView, opened
from records.vault.gate import look
from records.vault.load import names_of

LABELS: dict[str, Any] = {
    "given_name": _("First name"),
    "family_name": _("Last name"),
    "birth_date": _("Date of birth"),
    "phone": _("Phone"),
    "address": _("Address"),
}
BASIS_WORDS: dict[str, Any] = {
    Basis.PATIENT_EDIT: _("You changed it"),
    Basis.REQUEST: _("Changed on a request"),
    Basis.CLINICAL_CARE: _("Changed for the care"),
    Basis.ERROR_CORRECTION: _("An error was corrected"),
}


def open_changes(*, by: Actor, patient_id: UUID, purpose: Purpose) -> list[ChangeView]:
    """Changes to who the patient is and how to reach them, newest first. Five queries."""
    look(by=by, patient_id=patient_id, purpose=purpose, kind="records.history", object_id=patient_id)
    now = Patient.objects.filter(pk=patient_id).first()
    if now is None:
        raise NotVisible
    table = apps.get_model("records", "PatientEvent")
    # Each event holds the row as it was before; what it became is the next event, or the row now.
    rows = table._default_manager.filter(pgh_obj_id=patient_id).select_related("pgh_context")
    events = list(rows.order_by("pgh_id"))
    names = names_of(_actor(event) for event in events)
    found: list[ChangeView] = []
    for before, after in zip(events, [*events, now][1:], strict=True):
        meta = before.pgh_context.metadata
        for name, label in LABELS.items():
            old, new = _words(opened(before, name)), _words(opened(after, name))
            if old != new:
                found.append(
                    ChangeView(
                        at=before.pgh_created_at, what=str(label), old=old, new=new,
                        basis=str(BASIS_WORDS.get(meta.get("basis"), "")),
                        by=names.get(_actor(before) or patient_id, ""),
                    )
                )
    return found[::-1]


def _actor(event: Any) -> UUID | None:
    ident = event.pgh_context.metadata.get("by")
    return UUID(ident) if ident else None


def _words(value: Any) -> str:
    if isinstance(value, dt.date):
        return date_format(value, "F j, Y")
    if isinstance(value, dict):
        return "; ".join(AddressView(**{name: str(value.get(name, "")) for name in AddressView.__slots__}).lines)
    return str(value)
