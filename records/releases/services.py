"""Giving and taking back a consent that something is released (RULES 4.1, 4.3)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import today, years_later
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, allows
from records.access import require_open
from records.disclosures.recipients import recipient_key
from records.people.models import Patient
from records.people.names import clean_line, line_said, text_said
from records.releases.models import MAY_LAST, ConsentKind, ReleaseConsent

NAME_LENGTH, WORDS_LENGTH = 300, 2000


def consent_give(
    *,
    by: Actor,
    patient_id: UUID,
    kind: ConsentKind | str,
    recipient: str,
    what: str,
    signed_name: str,
    form_key: UUID,
    signed_on: dt.date | None = None,
    expires_on: dt.date | None = None,
    lasting: bool = False,
    signed_for: str = "",
    on_paper: bool = False,
) -> ReleaseConsent:
    """Keep a signed and dated consent. It ends after ``MN_CONSENT_YEARS``, or when the paper says.

    In the portal by who uses it for the patient; from paper by the officer (``on_paper``). ``lasting`` is for
    a doctor or an insurer only. Raises ``NotVisible`` and ``DomainError``: ``recipient_missing``,
    ``what_missing``, ``signed_name_missing``, ``too_long``, ``day_to_come``, ``end_before_start``,
    ``may_not_last``.
    """
    kind = ConsentKind(kind)
    day = (signed_on or today()) if on_paper else today()
    if day > today():
        raise DomainError("day_to_come", _("That day is still to come."), "signed_on")
    if lasting and kind not in MAY_LAST:
        raise DomainError("may_not_last", _("Only for a doctor or an insurer can it last without an end."), "lasting")
    end = None if lasting else (expires_on or years_later(day, settings.MN_CONSENT_YEARS))
    if end is not None and end < day:
        raise DomainError("end_before_start", _("It would end before it was signed."), "expires_on")
    who = line_said(recipient, "recipient", _("Say who may get it."), most=NAME_LENGTH)
    words = {
        "recipient": who, "what": text_said(what, "what", _("Say what may be given."), most=WORDS_LENGTH),
        "signed_for": clean_line(signed_for)[:NAME_LENGTH],
        "signed_name": line_said(
            signed_name, "signed_name", _("Type your full name: that is your signature."), most=NAME_LENGTH
        ),
    }
    with transaction.atomic():
        _may(by, patient_id, on_paper)
        row, made = ReleaseConsent.objects.get_or_create(
            form_key=form_key,
            defaults={
                "patient_id": patient_id, "kind": kind, "recipient_key": recipient_key(who), "signed_on": day,
                "expires_on": end, "on_paper": on_paper, "recorded_by": by.account, "recorded_at": timezone.now(),
                **words,
            },
        )
        if row.patient_id != patient_id:
            raise NotVisible  # a key that was not made for this page
        if made:
            _logged(by, Action.AGREE, row)
    return row


def consent_revoke(*, by: Actor, consent_id: UUID) -> ReleaseConsent:
    """Take it back: nothing more is released on it. What went before stays told. Raises ``NotVisible``."""
    with transaction.atomic():
        row = ReleaseConsent.objects.select_for_update().filter(pk=consent_id).first()
        if row is None:
            raise NotVisible
        _may(by, row.patient_id, allows(by, Permission.REQUESTS_HANDLE), rights=True)
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by = timezone.now(), by.account
            row.save(update_fields=["revoked_at", "revoked_by"])
            _logged(by, Action.WITHDRAW, row)
    return row


def _may(by: Actor, patient_id: UUID, on_paper: bool, *, rights: bool = False) -> None:
    if not on_paper:
        require_open(by=by, patient_id=patient_id, purpose=Purpose.COMMUNICATING, whole=True, rights=rights)
    elif not allows(by, Permission.REQUESTS_HANDLE) or not Patient.objects.filter(pk=patient_id).exists():
        raise NotVisible


def _logged(by: Actor, action: Action, row: ReleaseConsent) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.LEGAL_DUTY, subject_id=row.patient_id,
        object_kind="records.releaseconsent", object_id=row.pk, basis=f"consent:{row.kind}",
    )
