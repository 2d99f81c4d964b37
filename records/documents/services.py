"""What a person does with documents: send one, set right what it is called, take back one sent by mistake.

The request only looks at the first bytes and the size, seals the upload and answers "received".
The worker does the rest (``processing.py``). Nothing of the file's name or declared type is read.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.crypto import sealed
from portal.crypto.fields import DecryptionError
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.guards import claim_form_key
from portal.permissions import Permission, Purpose, require
from portal.poke import poke
from records import access
from records.changes import Basis, basis
from records.documents import files, pipeline
from records.documents.models import Document, DocumentKind
from records.documents.selectors import nobody_used
from records.encounters.models import Encounter
from records.intake.files import drop
from records.intake.receiving import seal, whole
from records.people.models import GrantKind, Patient
from records.people.names import clean_line
from records.withholding.selectors import is_withheld

TITLE_LENGTH = 120
OLDEST = dt.date(1900, 1, 1)
# On what basis a holder of each grant sets a title right. Others only read.
BASIS_OF = {
    GrantKind.SELF: Basis.PATIENT_EDIT,
    GrantKind.GUARDIAN: Basis.PATIENT_EDIT,
    GrantKind.CARE_TEAM: Basis.CLINICAL_CARE,
}


def document_receive(
    *, by: Actor, patient_id: UUID, kind: str, upload: File[bytes], form_key: UUID, title: str = "",
    dated: dt.date | None = None, encounter_id: UUID | None = None,
) -> Document:
    """Take one upload. ``dated`` is the day written on the document.

    The same ``form_key`` again returns the document that is there: five presses, one document. Raises
    ``NotVisible``; ``pipeline.DocumentRefused`` (a ``DomainError``) for a file that shows at once that it
    is no good; ``DomainError`` for what cannot be right, and when the store fails. Then nothing is stored.
    """
    require(by, Permission.RECORD_OWN)
    access.require_open(by=by, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    values = _checked(kind, title, dated)
    if encounter_id is not None and not Encounter.objects.filter(pk=encounter_id, patient_id=patient_id).exists():
        raise NotVisible
    known = Document.objects.filter(form_key=form_key, patient_id=patient_id).first()
    if known is not None:
        return known
    upload_ref = seal(whole(upload, check=pipeline.check), folder=files.QUARANTINE, or_else=_store_down())
    try:
        with transaction.atomic():
            document = _put(by, patient_id, encounter_id, upload_ref, form_key, values)
    except IntegrityError:  # the key stands in somebody else's row: it was not made by this page
        drop([upload_ref.name])
        raise _already_sent() from None
    except BaseException:
        drop([upload_ref.name])
        raise
    if document.quarantine_name != upload_ref.name:
        drop([upload_ref.name])
    return document


def document_change(
    *, by: Actor, document_id: UUID, kind: str, title: str, dated: dt.date | None
) -> Document:
    """Set right what a document is; the former values are kept (P38). What cannot be read is never saved over.

    Raises ``NotVisible`` and ``DomainError``: ``unreadable`` for one of which a part would be lost.
    """
    document = _visible(document_id)
    grant = access.require_open(by=by, patient_id=document.patient_id, purpose=Purpose.CARE, whole=True)
    if grant not in BASIS_OF or is_withheld(document_id, grant):
        raise NotVisible
    require(by, Permission.CASE_REVIEW if grant is GrantKind.CARE_TEAM else Permission.RECORD_OWN)
    values = _checked(kind, title, dated)
    with transaction.atomic(), basis(BASIS_OF[grant], by=by):
        row = _locked(document_id)
        changed = [name for name, value in values.items() if _readable(row, name) != value]
        if not changed:
            return row
        for name in changed:
            setattr(row, name, values[name])
        row.save(update_fields=changed)
        _record(by, Action.CHANGE, row, basis_=f"change:{BASIS_OF[grant].value}")
    return row


def document_remove(*, by: Actor, document_id: UUID) -> None:
    """Take back a document that nobody used: its row, its files and what it was called.

    Raises ``NotVisible``, and ``DomainError`` once a clinician may have relied on it: from then on it
    is part of the clinic's record, and removing it is a request to the officer (P38, P39).
    """
    require(by, Permission.RECORD_OWN)
    document = _visible(document_id)
    grant = access.require_open(by=by, patient_id=document.patient_id, purpose=Purpose.CARE, whole=True)
    if is_withheld(document_id, grant):
        raise NotVisible
    with transaction.atomic():
        row = nobody_used(_lockable(document_id)).first()
        if row is None:
            if not Document.objects.filter(pk=document_id).exists():
                return  # a second press
            raise DomainError(
                "document_used",
                _("The clinic has used this document, so it is part of your record now. You can ask the "
                  "compliance officer to correct or remove it."),
            )
        _record(by, Action.DELETE, row)
        former = apps.get_model("records", "DocumentEvent")
        with basis(Basis.PATIENT_EDIT, by=by):
            row.delete()
        with rewrite_allowed(former, reason=RewriteReason.RETENTION):
            former._default_manager.filter(pgh_obj_id=document_id).delete()


def _checked(kind: str, title: str, dated: dt.date | None) -> dict[str, object]:
    if kind not in DocumentKind.values:
        raise DomainError("document_kind_unknown", _("Please choose what the document is."), field="kind")
    line = clean_line(title)
    if len(line) > TITLE_LENGTH:
        raise DomainError("document_title_long", _("Please use a shorter title."), field="title")
    if dated is not None and not OLDEST <= dated <= today():
        raise DomainError(
            "document_date", _("Please check the date: it is still to come, or very long ago."), field="dated"
        )
    return {"kind": kind, "title": line, "dated": dated}


def _put(
    by: Actor, patient_id: UUID, encounter_id: UUID | None, upload: sealed.SealedRef, form_key: UUID,
    values: dict[str, object],
) -> Document:
    """The row for a sealed upload, in the caller's transaction; or the row of an earlier press."""
    Patient.objects.select_for_update(no_key=True).only("pk").get(pk=patient_id)
    known = Document.objects.filter(form_key=form_key, patient_id=patient_id).first()
    if known is not None:
        return known
    # A late press for a document that was removed since must not bring it back.
    if not claim_form_key(form_key):
        raise _already_sent()
    if Document.objects.filter(patient_id=patient_id).count() >= settings.DOCUMENTS_PER_PATIENT:
        raise DomainError(
            "document_too_many", _("There are very many documents here already. Please write to us."), field="document"
        )
    document = Document.objects.create(
        patient_id=patient_id, encounter_id=encounter_id, form_key=form_key, uploaded_by=by.account_id or patient_id,
        quarantine_name=upload.name, quarantine_key=upload.key, **values,
    )
    _record(by, Action.CREATE, document)
    poke("records.documents.process", document.pk)
    return document


def _visible(document_id: UUID) -> Document:
    document = Document.objects.only("pk", "patient_id").filter(pk=document_id).first()
    if document is None:
        raise NotVisible
    return document


def _lockable(document_id: UUID) -> QuerySet[Document]:
    return Document.objects.select_for_update(of=("self",)).filter(pk=document_id)


def _locked(document_id: UUID) -> Document:
    row = _lockable(document_id).first()
    if row is None:
        raise NotVisible
    return row


def _readable(row: Document, name: str) -> object:
    try:
        return getattr(row, name)
    except DecryptionError:
        raise DomainError(
            "unreadable",
            _("This cannot be read at the moment, so it cannot be changed. It is kept as it is, and our staff "
              "have been told."),
        ) from None


def _store_down() -> DomainError:
    return DomainError(
        "document_store_down",
        _("We could not save that document just now. You still have it. Please try again in a few minutes."),
        field="document",
    )


def _already_sent() -> DomainError:
    return DomainError(
        "document_already_sent",
        _("This document was sent before. Please load the page again to see what we have."),
        field="document",
    )


def _record(by: Actor, action: Action, document: Document, basis_: str = "") -> None:
    access_record(
        by=by, action=action, purpose=Purpose.CARE, subject_id=document.patient_id,
        object_kind="records.document", object_id=document.pk, basis=basis_,
    )
