"""What the privacy desk holds about a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from portal.subjects import FieldClass, Subject, heard_by, rows_move
from privacy.copies import personal_data as copies_held
from privacy.denials import personal_data as denials_held
from privacy.fees import personal_data as fees_held
from privacy.handover import personal_data as handover_held
from privacy.letters import personal_data as letters_held
from privacy.models import ArchiveCopy, LegalHold, LookReport, RecordCopy, RightsRequest
from privacy.requests.models import WORDS
from privacy.safeguards import personal_data as safeguards_held
from records.intake.files import drop_on_commit
from records.vault.content import opened

_O, _C = FieldClass.OPERATIONAL, FieldClass.CLINICAL
FIELDS: dict[str, dict[str, FieldClass]] = {
    **denials_held.FIELDS,
    **letters_held.FIELDS, **fees_held.FIELDS, **copies_held.FIELDS, **handover_held.FIELDS,
    **safeguards_held.FIELDS,
    "privacy.RightsRequest": {
        **dict.fromkeys(
            (
                "id", "kind", "subject_id", "account_id", "channel", "entered_by", "state", "form_key", "received_on",
                "first_due_on", "due_on", "extended_at", "identity_state", "identity_how", "identity_by",
                "identity_at", "officer_id", "fee_state", "fee_cents", "denial_ground", "in_part", "denied_by",
                "review_asked_on", "reviewed_by", "outcome", "joined_to", "job_id", "created_at", "answered_at",
                "in_time", "ended_at", "held_at",
            ),
            _O,
        ),
        **dict.fromkeys(("details", "particulars", "extension_reason", "denial_letter", "answer"), _C),
        **dict.fromkeys(("contact", "identity_note"), FieldClass.IDENTIFIER),
    },
    "privacy.RequestStep": dict.fromkeys(("id", "request", "action", "state", "by_id", "by_role", "at"), _O),
    "privacy.LookReport": {
        **dict.fromkeys(
            (
                "id", "subject_id", "account_id", "about", "events", "actor_id", "actor_role", "action", "object_kind",
                "looked_at", "state", "form_key", "received_on", "due_on", "officer_id", "created_at", "answered_at",
            ),
            _O,
        ),
        "words": _C,
        "answer": _C,
    },
    "privacy.ArchiveCopy": dict.fromkeys(
        (
            "id", "subject_id", "encounter_id", "reason", "name", "version", "sha256", "content_sha256", "size",
            "retain_until", "read_at", "sealed_at", "verified_at", "key_ids", "damaged_at", "destroying_at",
            "destroyed_at",
        ),
        _O,
    ),
    "privacy.LegalHold": {
        **dict.fromkeys(
            ("id", "subject_id", "placed_by", "placed_at", "review_on", "released_by", "released_at"), _O
        ),
        "reason": _C,
        "release_reason": _C,
    },
    "privacy.Destruction": dict.fromkeys(
        (
            "id", "copy_id", "subject_id", "encounter_id", "name", "version", "sha256", "size", "sealed_at",
            "retain_until", "destroyed_at", "method", "filed_name", "filed_version", "filed_sha256",
        ),
        _O,
    ),
    "privacy.RecordCopy": {
        **dict.fromkeys(
            ("id", "request", "subject_id", "account_id", "name", "size", "made_at", "expires_at", "downloaded_at"), _O
        ),
        "key": _O,
    },
    # What backups remember: random names of files and ids of requests.
    "privacy.MirroredFile": dict.fromkeys(("name", "size", "sha256", "mirrored_at", "left_at"), _O),
    "privacy.ErasureDone": dict.fromkeys(("request_id", "done_at", "replayed"), _O),
    "privacy.LedgerCheck": dict.fromkeys(("database", "checked_at"), _O),
    # Counters of pages (P09): no row stands for a visit, let alone a visitor.
    "privacy.VisitCount": dict.fromkeys(("id", "day", "page", "family", "stay", "views"), _O),
    # De-identified by RULES 1.54: no person belongs to a row, so none is exported or erased with one.
    "privacy.DeidentifiedCase": dict.fromkeys(
        (
            "id", "generation", "kept", "year", "state", "zip3", "age", "gender", "concern", "outcome",
            "diagnosis_code", "prescription", "codes",
        ),
        _O,
    ),
}
_SEALED = {
    *(f"privacy.Letter.{name}" for name in letters_held.ENCRYPTED),
    *(f"privacy.PrintCopy.{name}" for name in copies_held.ENCRYPTED),
    *(f"privacy.FeeQuote.{name}" for name in fees_held.ENCRYPTED),
    *(f"privacy.Denial.{name}" for name in denials_held.ENCRYPTED),
}
_WHY = "random ids, states, dates and hashes: the legal clock and the archive need to find them"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY
    for model, fields in FIELDS.items()
    for name in fields
    if model not in safeguards_held.FIELDS
    and name not in (*WORDS, "key", "words", "reason", "release_reason") and f"{model}.{name}" not in _SEALED
}
CLEAR_TEXT |= safeguards_held.CLEAR_TEXT
RETAINED: dict[str, str] = {
    **safeguards_held.RETAINED,
    **fees_held.RETAINED,
    **denials_held.RETAINED,
    "privacy.RightsRequest": "proof that the request was answered in time: ids and dates only, words wiped",
    "privacy.RequestStep": "when each step of a request was taken: codes, ids and times only",
    "privacy.LookReport": "proof that the report was answered: ids, codes and dates only, words wiped",
    "privacy.LegalHold": "proof of when a record was kept longer: ids and dates only, words wiped",
    "privacy.Destruction": "the certificate that a copy was destroyed: ids, dates and a hash only",
    "privacy.ArchiveCopy": "where the archive copy lies and until when: ids, dates and hashes only",
}


def export_for(subject: Subject, reader: UUID | None = None) -> dict[str, Any]:
    """The person's requests, in their own words where they gave some, and copies in the archive.

    ``reader`` is the account whose copy it is: see ``heard_by``.
    """
    mine = {"subject_id": subject.subject_id}
    asked = RightsRequest.objects.filter(heard_by(subject, reader), **mine).order_by("received_on")
    copies = [
        {"sealed_at": row.sealed_at.isoformat(), "retain_until": row.retain_until.isoformat(), "reason": row.reason}
        for row in ArchiveCopy.objects.filter(**mine).order_by("sealed_at")
    ]
    return {
        "requests": [_request(row) for row in asked], "look_reports": _reports(subject, reader),
        "archive_copies": copies, "denials": denials_held.export_for(subject, reader),
        "letters": letters_held.export_for(subject, reader), "fees": fees_held.export_for(subject, reader),
    }


def _request(row: RightsRequest) -> dict[str, Any]:
    """One request in the person's and the clinic's words; what cannot be read says so."""
    words = {name: opened(row, name) for name in WORDS}
    return {
        "kind": row.kind, "state": row.state, "channel": row.channel, "received_on": row.received_on.isoformat(),
        "due_on": row.due_on.isoformat(), "identity": row.identity_how, "denial_ground": row.denial_ground,
        "outcome": row.outcome, "fee_cents": row.fee_cents, **{name: value for name, value in words.items() if value},
    }


def archive_for(subject: Subject) -> dict[str, Any]:
    """Requests, reports and letters join the bundle (RULES 1.58); the list of bundles itself does not."""
    held = export_for(subject)
    return {name: rows for name, rows in held.items() if name != "archive_copies"}


def _reports(subject: Subject, reader: UUID | None) -> list[dict[str, Any]]:
    """What the person reported about looks at their record, and what was answered."""
    rows = LookReport.objects.filter(heard_by(subject, reader), subject_id=subject.subject_id).order_by("created_at")
    return [
        {
            "received_on": row.received_on.isoformat(), "state": row.state, "looked_at": row.looked_at.isoformat(),
            "role": row.actor_role, "action": row.action, "what": row.object_kind, "words": row.words,
            "answer": row.answer,
        }
        for row in rows
    ]


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove downloadable copies with their files, and the words of requests; ids and dates stay.

    The files go once this is committed; what a crash leaves has lost its key and is swept.
    """
    copies = RecordCopy.objects.filter(subject_id=subject.subject_id)
    names = list(copies.values_list("name", flat=True))
    drop_on_commit(names)
    removed, _by_model = copies.delete()
    RightsRequest.objects.filter(subject_id=subject.subject_id).update(
        details="", particulars=None, contact=None, identity_note="", extension_reason="", denial_letter="", answer=""
    )
    LookReport.objects.filter(subject_id=subject.subject_id).update(words="", answer="")
    LegalHold.objects.filter(subject_id=subject.subject_id).update(reason="", release_reason="")
    rest = letters_held.erase_for(subject) | copies_held.erase_for(subject) | fees_held.erase_for(subject)
    rest |= safeguards_held.erase_for(subject)
    rest |= handover_held.erase_for(subject) | denials_held.erase_for(subject)
    return ({"privacy.RecordCopy": removed} if removed else {}) | rest


# The certificate of a destruction is what it was when it was filed, id included.
UNDER_THE_OLD_ID = {"privacy.Destruction": "a certificate is never rewritten; the lockbox holds the same words"}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Requests, reports, holds and copies follow the person. What lies in the archive stays as sealed."""
    moved: dict[str, int] = {}
    for table in (RightsRequest, RecordCopy, LookReport):
        moved |= rows_move(table, old=old, new=new)
    for kept in (ArchiveCopy, LegalHold):
        moved |= rows_move(kept, old=old, new=new, account="")
    for room in (letters_held, copies_held, fees_held, handover_held, denials_held):
        moved |= room.merge_for(old, new)
    return moved
