"""What the desk holds about a person in legal papers and statements, and what stays of it."""

from __future__ import annotations

from typing import Any

from portal.subjects import FieldClass, Subject, rows_move
from privacy.disclosing.models import AccountingStatement, LegalProcess
from records.disclosures.selectors import hidden_objects
from records.intake.files import drop_on_commit
from records.vault.content import opened
from records.vault.given import GivenView, consent_views, given_each

O, C, I = FieldClass.OPERATIONAL, FieldClass.CLINICAL, FieldClass.IDENTIFIER  # noqa: E741
WORDS = ("authority", "authority_address", "case_number", "asked", "reason", "given", "withheld_words")
FIELDS: dict[str, dict[str, FieldClass]] = {
    "privacy.LegalProcess": {
        **dict.fromkeys(
            (
                "id", "subject_id", "kind", "received_on", "answer_by", "paper_name", "paper_key", "paper_type",
                "form_key", "entered_by", "created_at", "outcome", "disclosure_id", "decided_by", "decided_at",
                "withheld", "withheld_until", "told_at", "letter_id",
            ),
            O,
        ),
        **dict.fromkeys(WORDS, C),
    },
    "privacy.AccountingStatement": dict.fromkeys(
        (
            "id", "subject_id", "request_id", "letter_id", "since", "until", "lines", "counted", "fee_cents",
            "given_on", "given_by",
        ),
        O,
    ),
    # Of companies and owners, not of patients: nobody's record is told of by them.
    "privacy.Assignment": {
        **dict.fromkeys(
            (
                "id", "passes_on", "statute", "undertaking_on", "paper_name", "paper_key", "paper_type", "form_key",
                "entered_by", "created_at", "telling_at", "told_at", "told_until", "called_off_at",
            ),
            O,
        ),
        "acquirer": I, "acquirer_address": I, "undertaking_by": I,
    },
    "privacy.Vendor": {
        **dict.fromkeys(
            (
                "id", "code", "name", "gets", "sees_records", "agreed_on", "ends_on", "notice_days", "reviewed_on",
                "ended_at", "created_at", "updated_at",
            ),
            O,
        ),
        "contact": I,
    },
    "privacy.VendorImport": dict.fromkeys(("id", "vendor", "sha256", "entries", "imported_by", "imported_at"), O),
}
_SEALED = (*WORDS, "paper_key", "acquirer", "acquirer_address", "undertaking_by", "contact")
_WHY = "ids, codes, days and random names of files, and the names of companies: found by the desk's clocks and lists"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY for model, fields in FIELDS.items() for name in fields if name not in _SEALED
}
RETAINED: dict[str, str] = {
    "privacy.LegalProcess": "proof that the patient was told, or why not: ids, codes and dates only, words wiped",
    "privacy.AccountingStatement": "that a statement was given, and when (RULES 1.35): ids, dates and counts only",
}


def export_for(subject: Subject) -> dict[str, Any]:
    """Who received what, consents, statements, and legal papers of which the patient was told."""
    told = LegalProcess.objects.filter(subject_id=subject.subject_id, told_at__isnull=False)
    hidden = hidden_objects([subject.subject_id])
    return {
        "disclosures": [_given(view) for view in given_each(subject.subject_id)],
        "release_consents": _consents(subject),
        "statements": _statements(subject),
        "legal_papers": [_process(row) for row in told.order_by("received_on") if row.pk not in hidden],
    }


def archive_for(subject: Subject) -> dict[str, Any]:
    """The facts of the accounting, suspended ones too: kept six years and longer in the bundle (RULES 1.35)."""
    papers = LegalProcess.objects.filter(subject_id=subject.subject_id).order_by("received_on", "pk")
    return {
        "disclosures": [_given(view) for view in given_each(subject.subject_id, suspended=True)],
        "release_consents": _consents(subject),
        "statements": _statements(subject),
        "legal_papers": [_process(row) | {"id": str(row.pk)} for row in papers],
    }


def erase_for(subject: Subject) -> dict[str, int]:
    """Words of legal papers and their files go; ids, codes and days stay. The register is the vault's own."""
    rows = LegalProcess.objects.filter(subject_id=subject.subject_id)
    names = [name for name in rows.values_list("paper_name", flat=True) if name]
    drop_on_commit(names)
    rows.update(**dict.fromkeys(WORDS, ""), paper_name="", paper_key=None, paper_type="")
    return {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Papers and statements follow the person."""
    moved: dict[str, int] = {}
    for table in (LegalProcess, AccountingStatement):
        moved |= rows_move(table, old=old, new=new, account="")
    return moved


def _given(view: GivenView) -> dict[str, Any]:
    return {
        "day": view.on.isoformat(), "recipient": view.recipient, "address": view.recipient_address, "what": view.what,
        "purpose": view.purpose, "basis": view.basis, "counted_by_law": view.counted, "note": view.note,
        "reference": str(view.reference or ""),
    }


def _consents(subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "kind": view.kind, "recipient": view.recipient, "what": view.what, "signed_by": view.signed_name,
            "signed_for": view.signed_for, "signed_on": view.signed_on.isoformat(),
            "expires_on": view.expires_on.isoformat() if view.expires_on else "", "on_paper": view.on_paper,
            "taken_back_at": view.revoked_at.isoformat() if view.revoked_at else "",
        }
        for view in reversed(consent_views(subject.subject_id))
    ]


def _statements(subject: Subject) -> list[dict[str, Any]]:
    rows = AccountingStatement.objects.filter(subject_id=subject.subject_id).order_by("given_on", "pk")
    return [
        {
            "given_on": row.given_on.isoformat(), "since": row.since.isoformat(), "until": row.until.isoformat(),
            "lines": row.lines, "counted_by_law": row.counted, "fee_cents": row.fee_cents,
        }
        for row in rows
    ]


def _process(row: LegalProcess) -> dict[str, Any]:
    return {
        "kind": row.kind, "received_on": row.received_on.isoformat(), "outcome": row.outcome,
        "decided_at": row.decided_at.isoformat() if row.decided_at else "", "withheld": row.withheld,
        "withheld_until": row.withheld_until.isoformat() if row.withheld_until else "",
        "told_at": row.told_at.isoformat() if row.told_at else "", **{name: str(opened(row, name)) for name in WORDS},
    }
