"""What reports and incidents hold about a person. The documents stay for six years (RULES 1.58, 3.13)."""

from __future__ import annotations

from typing import Any

from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.subjects import FieldClass, Subject
from privacy.incidents.models import Affected
from privacy.incidents.notice_models import BreachNotice
from privacy.incidents.report_models import IncidentReport

_O, _C, _I = FieldClass.OPERATIONAL, FieldClass.CLINICAL, FieldClass.IDENTIFIER
_CLEAR: dict[str, tuple[str, ...]] = {
    "privacy.IncidentReport": (
        "id", "kind", "channel", "state", "form_key", "code_hash", "account_id", "policy", "received_on", "due_on",
        "created_at", "entered_by", "officer_id", "look_report_id", "incident", "freeze_at", "frozen_ids", "ended_at",
        "keep_until",
    ),
    "privacy.Incident": (
        "id", "number", "state", "happened_on", "discovered_at", "reported_at", "data_kinds", "bureaus_from",
        "follows", "opened_by", "created_at", "closed_at", "closed_by", "keep_until",
    ),
    "privacy.Assessment": (
        "incident", "nature_level", "recipient_level", "acquired_level", "mitigation_level", "outcome", "exception",
        "signed_by", "signed_at",
    ),
    "privacy.Affected": ("id", "incident", "subject_id", "count", "state", "added_at"),
    "privacy.LawDelay": ("id", "incident", "kind", "starts_on", "until", "recorded_by", "recorded_at"),
    "privacy.IncidentEvent": ("number", "incident", "at", "actor_id", "actor_role", "step"),
    "privacy.NoticeText": ("incident", "send_from", "sent_by"),
    "privacy.BreachNotice": (
        "id", "incident", "affected", "way", "letter_id", "mail_id", "made_at", "returned_at", "reached_at",
    ),
    "privacy.DutyDone": ("id", "incident", "kind", "done_on", "done_by", "recorded_at"),
    "privacy.PublicNotice": ("id", "incident", "toll_free", "starts_on", "ends_on", "put_up_by"),
}
_SEALED: dict[str, dict[str, FieldClass]] = {
    "privacy.IncidentReport": {
        "words": _C, "reach": _I, "child_name": _I, "child_born": _I, "child_email": _I, "outcome": _C,
    },
    "privacy.Incident": {"summary": _C},
    "privacy.Assessment": dict.fromkeys(("nature", "recipient", "acquired", "mitigation", "conclusion"), _C),
    "privacy.Affected": {"name": _I, "address": _I},
    "privacy.LawDelay": {"agency": _C},
    "privacy.IncidentEvent": {"note": _C},
    "privacy.NoticeText": dict.fromkeys(("happened", "data", "protect", "doing", "contact"), _C),
    "privacy.BreachNotice": {"reached_how": _C},
    "privacy.DutyDone": {"proof": _C},
}
FIELDS: dict[str, dict[str, FieldClass]] = {
    label: {**dict.fromkeys(names, _O), **_SEALED.get(label, {})} for label, names in _CLEAR.items()
}
_WHY = "random ids, states, codes, counts and dates: the legal clocks and the year's log count them"
CLEAR_TEXT: dict[str, str] = {f"{label}.{name}": _WHY for label, names in _CLEAR.items() for name in names}
_KEPT = "the clinic must be able to prove for six years what it did about a breach (RULES 3.13)"
RETAINED: dict[str, str] = {
    "privacy.IncidentReport": "proof that a report was looked into: ids, codes and dates; the person's words are wiped",
    **dict.fromkeys([label for label in _CLEAR if label != "privacy.IncidentReport"], _KEPT),
}


def export_for(subject: Subject) -> dict[str, Any]:
    """Reports that the person sent under their name, and notices of breaches that went to them."""
    reports = IncidentReport.objects.filter(account_id__in=subject.account_ids).order_by("created_at")
    notices = BreachNotice.objects.filter(affected__subject_id=subject.subject_id).order_by("made_at")
    return {
        "incident_reports": [
            {
                "received_on": row.received_on.isoformat(), "kind": row.kind, "state": row.state, "words": row.words,
                "answer_to": row.reach,
            }
            for row in reports
        ],
        "breach_notices": [{"sent_at": row.made_at.isoformat(), "way": row.way} for row in notices],
    }


def archive_for(subject: Subject) -> dict[str, Any]:
    """As exported: what the person reported and was told joins the bundle (RULES 1.58)."""
    return export_for(subject)


def erase_for(subject: Subject) -> dict[str, int]:
    """Wipe the person's own words and ways to reach them; ids, dates and the clinic's documents stay."""
    mine = IncidentReport.objects.filter(account_id__in=subject.account_ids)
    with rewrite_allowed(IncidentReport, Affected, reason=RewriteReason.ERASURE):
        mine.update(words="", reach="", child_name="", child_born=None, child_email="")
        Affected.objects.filter(subject_id=subject.subject_id).update(name="", address="")
    return {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Who was affected follows the person, once for each incident; reports stay with the account that sent them."""
    rows = Affected.objects.filter(subject_id=old.subject_id)
    twice = Affected.objects.filter(subject_id=new.subject_id).values("incident_id")
    with rewrite_allowed(Affected, reason=RewriteReason.MERGE):
        moved = rows.exclude(incident_id__in=twice).update(subject_id=new.subject_id)
    return {"privacy.Affected": moved} if moved else {}
