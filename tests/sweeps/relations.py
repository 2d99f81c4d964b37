"""Everybody's relation to Ana's record, before, during and after, and what opens to each of them.

The persona's role decides who comes to a page at all (``access_table``); here it is decided for
*this* record. What is not named for a relation is "not found" to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from portal.permissions import Role
from records.models import AccessGrant, Emergency, GrantKind, GrantScope

DAY = dt.timedelta(days=1)
# From when until when a grant runs, in days from now.
BEFORE, DURING, AFTER = (1, 2), (-1, 1), (-2, -1)

# Parts of an address that name a thing of a record. A part that stands in neither list fails the sweep.
OF_A_RECORD = {
    "patient_id", "consult_id", "photo_id", "entry_id", "event_id", "emergency_id", "report_id", "request_id",
    "main_id",
    "denial_id", "telling_id", "restriction_id",
    "copy_id", "letter_id", "quote_id", "document_id", "hold_id", "old_id", "new_id", "process_id", "disclosure_id",
    "suspension_id", "consent_id", "resource_id", "freeze_id",
}
NOT_OF_A_RECORD = {
    "order_id": "a bill: billing knows no medicine; its pages are the payer's (access_table)",
    "job_id": "a job's progress: the account's own (access_table)",
    "mail_id": "a mail's state: staff see no content (access_table)",
    "object_id": "rows of lists without health information (access_table.MODELS)",
    "content_type_id": "leads nowhere", "app_label": "a list of lists", "url": "the admin's own not-found page",
    "vendor_id": "a company (access_table)", "assignment_id": "a new owner; its pages name no patient (access_table)",
    "pk": "a passkey of one's own", "name": "the demo's inbox", "slug": "a policy", "version": "a policy",
    "screen_id": "a step of a consult that is named beside it", "view": "beside a consult", "variant": "beside a photo",
    "section": "beside a patient, or one's own", "page": "beside a document",
    "kind": "beside a resource of a record, or one's own", "wish": "beside a patient",
    **dict.fromkeys(
        ("incident_id", "affected_id", "notice_id", "intake_id", "subject_id"),
        "a report or an incident: its pages show numbers of records, names only after a search (access_table)",
    ),
    **dict.fromkeys(
        ("analysis_id", "risk_id", "item", "training_id"), "of the clinic and its staff, no patient (access_table)",
    ),
    "binder_id": "an officer's file for auditors, no health (access_table)", "month": "a month of the log, as counts",
    "year": "a year's log of incidents", "account_id": "a sign-in, no health", "stop_id": "a stop of a sign-in",
}


@dataclass(frozen=True)
class Relation:
    """Who (a persona), by which grant from when until when, and what opens; ``go`` leads somewhere else.

    With ``ended`` the grants that the persona has are over.
    """

    persona: str
    kind: GrantKind | None = None
    days: tuple[int, int] = DURING
    scope: GrantScope = GrantScope.ACT
    ended: bool = False
    opens: dict[str, str] = field(default_factory=dict)


def routes(outcome: str, *names: str, space: str = "records") -> dict[str, str]:
    return {f"{space}:{name}": outcome for name in names}


SEEN = {
    **routes("200", "record_of", "print_of", "photos_of", "compare_of", "changes_of", "section_of", "photo"),
    **routes("200", "documents_of", "document", "document_file"),
    **routes("200", "consult", "thread", "plan", "withdraw", space="consults"),
    **routes("200", "look_report", space="privacy"), **routes("200", "everything_of", "resource", space="fhir"),
}
KEPT_FOR_A_CHILD = {
    **routes("200", "entry_add", "entry", "entry_remove", "entry_reveal", "document_change"),
    **routes("go", "section_none", "section_checked", "entry_restore", "document_take_back"),
    **routes("go", "consent_back", space="privacy"),
}
KEPT_FOR_A_CHILD |= routes("200", "correct_of", space="privacy")
OF_A_GUARDIAN = routes("200", "child_wish", space="privacy")
ONES_OWN = {
    **routes("200", "review", "disagree", "tell", space="privacy"), **routes("go", "limit_end", space="privacy"),
    **routes("200", "answers"),
    **routes("200", "step", "photos", "photo", "photo_status", "review", space="consults"),
    **routes("go", "stop", "photo_send", "photo_remove", "revise", space="consults"),
    **routes("200", "request", "download", "report", "letter", "letter_file", space="privacy"),
    **routes("go", "withdraw", "fee_accept", "fee_decline", space="privacy"),
}
WHOLE = {
    **routes("200", "patient_record", "privacy_override", space="admin"), **routes("200", "photo", "document_file"),
}
# The case to be taken and the emergency to be ended in the addresses are another patient's.
CLINICIAN = {
    **routes("go", "consults_take", "privacy_review_take", space="admin"),
    **routes("200", "privacy_review", space="admin"),
}
OTHER = {**CLINICIAN, **routes("go", "emergency_end", space="admin")}
ASKS = routes("200", "break_glass", space="admin")
NEEDS_NOT = {**routes("go", "break_glass", space="admin"), **routes("200", "give_out", space="admin")}
CASE = {
    **routes("200", *(f"consults_{page}" for page in (
        "case", "message", "ask", "decline", "fill", "save", "sign",
    )), space="admin"),
    **routes("go", *(f"consults_{page}" for page in ("release", "close", "answered")), space="admin"),
}
OF_THE_OTHER_CASE = {
    f"admin:consults_{page}" for page in ("release", "message", "ask", "decline", "fill", "save", "sign")
}
OFFICER = {
    **routes("200", "privacy_request", "privacy_report", "privacy_emergency", space="admin"),
    **routes("200", "privacy_lift", space="admin"),
    **routes("200", *(f"privacy_{page}" for page in (
        "answer", "extend", "assign", "identity", "unproven", "about", "rebut", "state", "review_noted",
    )), space="admin"),
    **routes("go", *(f"privacy_{page}" for page in (
        "identity_ask", "join", "separate", "put_back", "taken_back",
    )), space="admin"),
    **routes("200", "privacy_hold", "records_merge", space="admin"),
    # The request that is worked on is another patient's, and in this officer's hands.
    **routes("200", *(f"privacy_{page}" for page in (
        "refuse", "part", "amend", "telling", "limit_enter", "reach_enter", "override",
    )), space="admin"),
    **routes("go", *(f"privacy_{page}" for page in (
        "limit_stop", "telling_said",
    )), space="admin"),
    **routes("200", *(f"legal_{page}" for page in ("process", "file", "give", "refuse", "suspend")), space="admin"),
    **routes("200", "disclosures_of", "disclosure_add", "consent_paper", "disclosure_suspend", space="admin"),
    **routes("go", "legal_tell", "consent_end", "suspension_end", space="admin"),
    **routes("200", *(f"letter{way}" for way in (
        "", "_file", "_posted", "_returned", "_address", "_settle",
    )), space="admin"),
    **routes("200", "copy_quote", "fee_name", space="admin"),
    **routes("go", "letter_again", "copy_prepare", "fee_check", space="admin"),
    **routes("go", "privacy_start", "privacy_carry_out", "privacy_report_take", "incident_from_look", space="admin"),
    **routes("go", "binder_of_request", space="admin"),
}
K = GrantKind
RELATIONS: dict[str, Relation] = {
    "a visitor": Relation("visitor", opens=routes("401", "everything_of", "resource", space="fhir")),
    "another patient": Relation("ben"),
    "the patient": Relation("ana", opens={**SEEN, **KEPT_FOR_A_CHILD, **ONES_OWN}),
    "a guardian before the grant": Relation("guardian", K.GUARDIAN, BEFORE),
    "a guardian": Relation("guardian", K.GUARDIAN, opens={**SEEN, **KEPT_FOR_A_CHILD, **OF_A_GUARDIAN}),
    "a guardian who may only see": Relation("guardian", K.GUARDIAN, scope=GrantScope.VIEW, opens=SEEN),
    "a guardian after the grant": Relation("guardian", K.GUARDIAN, AFTER),
    "a clinician with nothing to do with her": Relation("other_clinician", opens={**OTHER, **ASKS}),
    "a clinician at the queue": Relation("other_clinician", K.QUEUE, opens={**OTHER, **ASKS, **routes("200", "photo")}),
    "a clinician before the care": Relation("other_clinician", K.CARE_TEAM, BEFORE, opens={**OTHER, **ASKS}),
    "a clinician who cares for her": Relation("other_clinician", K.CARE_TEAM, opens={**OTHER, **WHOLE, **NEEDS_NOT}),
    "a clinician after the care": Relation("other_clinician", K.CARE_TEAM, AFTER, opens={**OTHER, **ASKS}),
    "the clinician whose case it is": Relation("clinician", opens={**CLINICIAN, **WHOLE, **NEEDS_NOT, **CASE}),
    "the clinician whose case it was": Relation(
        "clinician", ended=True,
        opens={**CLINICIAN, **ASKS, **{name: got for name, got in CASE.items() if name in OF_THE_OTHER_CASE}},
    ),
    "a clinician in an emergency": Relation(
        "other_clinician", K.BREAK_GLASS, opens={**OTHER, **WHOLE, **NEEDS_NOT}
    ),
    # The page that was open leads to asking anew.
    "a clinician after an emergency": Relation(
        "other_clinician", K.BREAK_GLASS, AFTER,
        opens={**OTHER, **ASKS, **routes("go", "patient_record", space="admin")},
    ),
    "an officer without a request": Relation("officer", opens=OFFICER),
    "an officer with a request": Relation("officer", K.REQUEST, opens={**OFFICER, **WHOLE}),
    "an officer after the request": Relation("officer", K.REQUEST, AFTER, opens=OFFICER),
    "support": Relation("support"),
    "the owner": Relation("owner"),
}


@contextmanager
def standing(relation: Relation, account_id: UUID | None, patient_id: UUID) -> Iterator[None]:
    """The relation stands while the block runs."""
    own = AccessGrant.objects.filter(account_id=account_id, patient_id=patient_id)
    ends = dict(own.values_list("pk", "ends_at")) if relation.ended else {}
    for pk in ends:
        own.filter(pk=pk).update(starts_at=timezone.now() - 2 * DAY, ends_at=timezone.now() - DAY)
    made = _made(relation, account_id, patient_id) if relation.kind is not None else []
    yield
    for row in made:
        row.delete()
    for pk, end in ends.items():
        own.filter(pk=pk).update(ends_at=end)


def _made(relation: Relation, account_id: UUID | None, patient_id: UUID) -> list[Any]:
    starts, ends = (timezone.now() + days * DAY for days in relation.days)
    reference, rows = uuid4(), []
    if relation.kind is GrantKind.BREAK_GLASS:
        # Just over rather than long ago: whoever had the page open is led to asking anew.
        ends = timezone.now() - dt.timedelta(minutes=1) if relation.days == AFTER else ends
        rows.append(Emergency.objects.create(
            pk=reference, patient_id=patient_id, account_id=account_id, reason="danger", words="It burns.",
            form_key=uuid4(), opened_at=starts, ends_at=ends, review_due_on=timezone.now().date(),
        ))
    queue = relation.kind is GrantKind.QUEUE
    rows.append(AccessGrant.objects.create(
        patient_id=patient_id, kind=relation.kind, account_id=None if queue else account_id,
        role=Role.CLINICIAN if queue else "", reference=reference, starts_at=starts, ends_at=ends, scope=relation.scope,
    ))
    return rows
