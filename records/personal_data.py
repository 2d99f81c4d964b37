"""Everything the vault holds about a person: what each field is, its copy, its removal (P05, P39)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import models, transaction
from pghistory.models import Context

from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.context import SYSTEM
from portal.subjects import FieldClass, Subject
from records.amendments.models import AmendmentPaper
from records.changes import Basis, basis
from records.disclosures.models import Disclosure
from records.encounters.models import Encounter
from records.people.merge import patient_rows_move
from records.people.models import GrantKind, Patient
from records.people.search_models import Merge
from records.restrictions.models import RestrictionOverride
from records.vault import load
from records.vault.content import opened
from records.vault.entries import sections_view
from records.vault.notes import notes_of

I, C, O = FieldClass.IDENTIFIER, FieldClass.CLINICAL, FieldClass.OPERATIONAL  # noqa: E741
_WHOSE = {"id": O, "patient": O, "encounter": O}
_SIGNED = {"author_id": O, "signed_by": O, "signed_at": O, "updated_at": O}

FIELDS: dict[str, dict[str, FieldClass]] = {
    "records.Patient": {
        "id": O, "public_id": I, "given_name": I, "family_name": I, "birth_date": I, "gender": I, "phone": I,
        "address": I, "created_at": O, "updated_at": O,
    },
    "records.AccessGrant": {
        "id": O, "patient": O, "kind": O, "scope": O, "account_id": O, "role": O, "reference": O, "starts_at": O,
        "ends_at": O, "opened_by": O,
    },
    "records.Emergency": {
        "id": O, "patient": O, "account_id": O, "reason": O, "words": C, "form_key": O, "opened_at": O, "ends_at": O,
        "review_due_on": O, "decision": O, "review_note": C, "reviewed_by": O, "reviewed_at": O,
    },
    "records.Encounter": {
        "id": O, "patient": O, "concern": C, "opened_at": O, "submitted_at": O, "closed_at": O,
    },
    "records.Answer": {
        **_WHOSE, "question_id": O, "question_text": O, "position": O, "private": O, "value": C, "answered_at": O,
    },
    "records.Entry": {
        "id": O, "patient": O, "section": O, "code": O, "private": O, "value": C, "number": I, "form_key": O,
        "added_at": O, "updated_at": O,
    },
    "records.Photo": {
        **_WHOSE, "view": O, "state": O, "refusal_code": O, "form_key": O, "uploaded_by": O, "received_at": O,
        "ready_at": O, "held_by": O, "attempts": O, "leased_until": O, "quarantine_name": O, "quarantine_key": C,
        "image_name": O, "image_key": C, "image_bytes": O, "image_sha256": O, "thumb_name": O, "thumb_key": C,
        "width": O, "height": O,
    },
    "records.Document": {
        **_WHOSE, "kind": O, "title": C, "dated": C, "state": O, "refusal_code": O, "form_key": O,
        "uploaded_by": O, "received_at": O, "ready_at": O, "seen_at": O, "held_by": O, "attempts": O,
        "leased_until": O, "quarantine_name": O, "quarantine_key": C, "content_type": O, "pages": O,
        "file_name": O, "file_key": C, "file_bytes": O, "file_sha256": O, "thumb_name": O, "thumb_key": C,
    },
    "records.DocumentPage": {
        "id": O, "document": O, "patient": O, "number": O, "image_name": O, "image_key": C,
    },
    "records.Message": {
        **_WHOSE, "author_id": O, "from_staff": O, "body": C, "form_key": O, "sent_at": O, "read_at": O,
    },
    "records.Assessment": {**_WHOSE, "diagnosis_code": C, "diagnosis_text": C, "note": C, **_SIGNED},
    "records.Plan": {**_WHOSE, "letter": C, "morning": C, "evening": C, "warnings": C, "weeks": C, **_SIGNED},
    "records.AmendmentPaper": {
        "id": O, "patient": O, "request_id": O, "kind": O, "part_kind": O, "part_id": O, "private": O, "words": C,
        "reason": C, "told_by": C, "author_id": O, "written_at": O,
    },
    "records.Telling": {
        "id": O, "patient": O, "request_id": O, "name": I, "address": I, "named_by_patient": O, "agreed": O,
        "told_by": O, "told_at": O,
    },
    "records.Restriction": {
        "id": O, "patient": O, "request_id": O, "basis": O, "recipient_kind": O, "purpose": O, "encounter": O,
        "recipient": I, "what": C, "asked_at": O, "starts_at": O, "ends_at": O, "end_reason": O, "ended_by": O,
    },
    "records.RestrictionOverride": {
        "id": O, "restriction": O, "patient": O, "form_key": O, "recipient": I, "reason": C, "asked_not_to_reuse": O,
        "overridden_by": O, "overridden_at": O,
    },
    "records.ContactChoice": {
        "id": O, "patient": O, "request_id": O, "post_only": O, "no_phone": O, "no_voicemail": O, "phone": I,
        "address": I, "payment": I, "asked_at": O, "since": O, "until": O,
    },
    "records.ReleaseConsent": {
        "id": O, "patient": O, "kind": O, "recipient": I, "recipient_key": O, "what": C, "signed_name": I,
        "signed_for": I, "signed_on": O, "expires_on": O, "on_paper": O, "form_key": O, "recorded_by": O,
        "recorded_at": O, "revoked_at": O, "revoked_by": O,
    },
    "records.Disclosure": {
        "id": O, "patient": O, "on": O, "purpose": O, "basis": O, "recipient": I, "recipient_address": I, "what": C,
        "same_key": O, "reference": O, "consent": O, "recorded_by": O, "recorded_at": O,
    },
    "records.Suspension": {
        "id": O, "patient": O, "disclosure": O, "reference": O, "kind": O, "agency": I, "official": I, "statement": C,
        "starts_on": O, "ends_on": O, "form_key": O, "recorded_by": O, "recorded_at": O, "lifted_at": O,
        "lifted_by": O,
    },
    "records.Freeze": {
        "id": O, "patient": O, "reason": O, "reference": O, "placed_at": O, "placed_by": O, "lifted_at": O,
        "lifted_by": O, "lift_note": C,
    },
    "records.Withheld": {
        "id": O, "patient": O, "request_id": O, "part_id": O, "guardians_only": O, "asked_by": O, "started_at": O,
        "ended_at": O,
    },
    "records.SearchToken": {"id": O, "token": O, "patient": O, "kind": O},
    "records.ToldApart": {"id": O, "first": O, "second": O, "said_by": O, "said_at": O},
    "records.Merge": {
        "id": O, "old_id": O, "new_id": O, "old_public_id": I, "merged_by": O, "merged_at": O, "reason": C, "counts": O,
    },
    # The context of a kept former value: basis and ids.
    "pghistory.Context": {"id": O, "created_at": O, "updated_at": O, "metadata": O},
}
TRACKED = ("Patient", "Answer", "Entry", "Document", "Assessment", "Plan")
_EVENT = {"pgh_id": O, "pgh_created_at": O, "pgh_label": O, "pgh_obj": O, "pgh_context": O}
_KEPT = {"Document": ("id", "patient", "kind", "title", "dated")}  # the others are the machine's own
for _name in TRACKED:
    _of = FIELDS[f"records.{_name}"]
    FIELDS[f"records.{_name}Event"] = {**_EVENT, **{name: _of[name] for name in _KEPT.get(_name, _of)}}

# What stands beside the record: corrections and disputes, who was told, limits, and ways to be reached.
BESIDE = {
    "amendment_papers": "AmendmentPaper", "tellings": "Telling", "restrictions": "Restriction",
    "restriction_overrides": "RestrictionOverride", "contact_choices": "ContactChoice",
    "release_consents": "ReleaseConsent", "disclosures": "Disclosure",
    "suspensions": "Suspension", "freezes": "Freeze", "withheld": "Withheld",
}
APPEND_ONLY = (AmendmentPaper, RestrictionOverride, Disclosure)

_REASONS = {
    "question_id": "the questionnaire's own code, to keep one answer a question; the answer is encrypted",
    "question_text": "the questionnaire's own words, the same for everybody; the answer is encrypted",
    "kind": "a code of the closed list of P07 or of grants, so that lists and access can ask for it",
    "code": "which question an entry answers, the same list for everybody, to keep one answer a question",
    "section": "in which part of the record an entry stands; what it says is encrypted",
    "view": "from which side a photo is taken, so that a retake finds the one before it",
    "token": "a keyed hash of one word: searching needs equal words to be equal, and the key is not in the database",
    "recipient_key": "a keyed hash of a recipient's name: consents are found while names stay sealed",
    "same_key": "a keyed hash of a recipient's name and address, by which an accounting groups repeats",
    "metadata": "basis, role and opaque ids of a change, so that orphans can be found",
}
_WHY = "opaque ids, workflow states, times, sizes and random file names, by which rows are found"
CLEAR_TEXT: dict[str, str] = {
    f"{label}.{name}": _REASONS.get(name, _WHY)
    for label, classes in FIELDS.items()
    for name, kind in classes.items()
    if kind is O
}
# The clinic's own number of a person, on the closed list of clear-text exceptions (P05).
_NUMBER = "a random number that staff are told on the phone: it must be unique and be found, and says nothing"
CLEAR_TEXT.update(
    {f"records.{name}": _NUMBER for name in ("Patient.public_id", "PatientEvent.public_id", "Merge.old_public_id")}
)
RETAINED: dict[str, str] = {}


def export_for(subject: Subject) -> dict[str, Any]:
    """The record as the patient reads it: what is signed, what was said, what was sent."""
    return _record(subject, GrantKind.SELF)


def archive_for(subject: Subject) -> dict[str, Any]:
    """The whole record with drafts, who could open it, and every former value with its basis."""
    record = _record(subject, GrantKind.PORTAL)
    if record:
        record["entries"] = [_plain(row) for row in _rows("Entry", subject)]  # with numbers, whole
        record["grants"] = [_plain(row) for row in _rows("AccessGrant", subject)]
        record["emergencies"] = [_plain(row) for row in _rows("Emergency", subject)]
        for name, table in BESIDE.items():
            record[name] = [_plain(row) for row in _rows(table, subject)]
        record["former_values"] = [_former(row) for name in TRACKED for row in _events(name, subject)]
    return record


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove the person: rows, then the history of the rows, then contexts that nothing names.

    One transaction. The sealed files go once it is committed; a file that a crash leaves behind
    has lost its key with its row, and the photo sweep removes it. Safe to repeat.
    """
    with transaction.atomic():
        # Removing answers makes history, which needs a basis; both go three lines down.
        with (
            basis(Basis.REQUEST, by=SYSTEM, request_id=subject.subject_id),
            rewrite_allowed(*APPEND_ONLY, reason=RewriteReason.ERASURE),
        ):
            _total, removed = Patient.objects.filter(pk=subject.subject_id).delete()
        counts = dict(removed)
        tables = [_event_table(name) for name in TRACKED]
        contexts = {
            context for name in TRACKED for context in _events(name, subject).values_list("pgh_context_id", flat=True)
        }
        with rewrite_allowed(*tables, reason=RewriteReason.ERASURE):
            for name, table in zip(TRACKED, tables, strict=True):
                counts[table._meta.label] = _events(name, subject).delete()[0]
        counts["pghistory.Context"] = _orphans(contexts).delete()[0]
        with rewrite_allowed(Merge, reason=RewriteReason.ERASURE):
            counts["records.Merge"] = Merge.objects.filter(
                models.Q(old_id__in=subject.ids) | models.Q(new_id__in=subject.ids)
            ).delete()[0]
    return {label: count for label, count in counts.items() if count}


# The old record's own former values keep its id: they are its history, read through ``Subject.ids``.
UNDER_THE_OLD_ID = {"records.PatientEvent": "each record's history stays one story; two in one would tell neither"}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Everything of the old record belongs to the new one, history included; see ``people/merge.py``."""
    return patient_rows_move(old, new)


def _orphans(contexts: set[Any]) -> models.QuerySet[Any]:
    named: set[Any] = set()
    for name in TRACKED:
        kept = _event_table(name)._default_manager.filter(pgh_context_id__in=contexts)
        named.update(kept.values_list("pgh_context_id", flat=True))
    return Context.objects.filter(pk__in=contexts - named)


def _event_table(name: str) -> type[models.Model]:
    return apps.get_model("records", f"{name}Event")


def _events(name: str, subject: Subject) -> models.QuerySet[Any]:
    owner = "pgh_obj_id" if name == "Patient" else "patient_id"
    return _event_table(name)._default_manager.filter(**{f"{owner}__in": subject.ids}).order_by("pgh_id")


def _rows(name: str, subject: Subject) -> models.QuerySet[Any]:
    table: type[models.Model] = apps.get_model("records", name)
    return table._default_manager.filter(patient_id=subject.subject_id).order_by("pk")


def _record(subject: Subject, grant: GrantKind) -> dict[str, Any]:
    patient = Patient.objects.filter(pk=subject.subject_id).first()
    if patient is None:
        return {}
    encounters = Encounter.objects.filter(patient=patient).order_by("-opened_at", "pk")
    encounters = encounters.select_related("assessment", "plan")
    return {
        "patient": _json(load.patient_view(patient)),
        "sections": _json(sections_view(subject.subject_id, grant=grant)),
        "encounters": _json(load.encounter_views(encounters, grant=grant)),
        "notes": _json(notes_of(subject.subject_id, grant=grant)),
    }


def _former(row: Any) -> dict[str, Any]:
    return {"of": row._meta.label, **_plain(row), "context": row.pgh_context.metadata}


def _plain(row: models.Model) -> dict[str, Any]:
    return {column.name: _json(opened(row, column.attname)) for column in row._meta.concrete_fields}


def _json(value: Any) -> Any:
    """Frozen content as JSON takes it; "cannot be read" becomes those words."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items: Iterator[Any] = iter(sorted(value)) if isinstance(value, set | frozenset) else iter(value)
        return [_json(item) for item in items]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
