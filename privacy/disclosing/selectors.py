"""Reading the desk's papers: lists without words, and one with its words after the trace is kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import today
from portal.errors import NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.disclosing.models import AccountingStatement, Assignment, LegalProcess, ProcessKind, WithholdingGround
from privacy.fees.calculator import accounting_is_free
from privacy.requests.models import Channel, RightsRequest
from records.disclosures.models import StatementKind, Suspension
from records.disclosures.selectors import suspensions_now
from records.models import Patient
from records.vault.content import opened
from records.vault.given import ConsentView, GivenView, consent_views, given_grouped

_WORDS = (
    "authority", "authority_address", "case_number", "asked", "paper_key", "reason", "given", "withheld_words",
)


@dataclass(frozen=True, slots=True)
class ProcessView:
    """One paper with its words; what cannot be read says so in its place."""

    row: LegalProcess
    authority: str
    authority_address: str
    case_number: str
    asked: str
    reason: str
    given: str
    withheld_words: str

    @property
    def kind(self) -> str:
        return str(ProcessKind(self.row.kind).label)

    @property
    def ground(self) -> str:
        return str(WithholdingGround(self.row.withheld).label) if self.row.withheld else ""


@dataclass(frozen=True, slots=True)
class SuspensionView:
    """One suspension with its words."""

    row: Suspension
    agency: str
    official: str
    statement: str

    @property
    def kind(self) -> str:
        return str(StatementKind(self.row.kind).label)


@dataclass(frozen=True, slots=True)
class Register:
    """All that the register holds about one person, for the officer."""

    patient_id: UUID
    entries: tuple[GivenView, ...]
    suspensions: tuple[SuspensionView, ...]
    consents: tuple[ConsentView, ...]


def waiting_processes() -> QuerySet[LegalProcess]:
    """Papers that nobody has decided, the one to be answered first on top, without their words."""
    rows = LegalProcess.objects.defer(*_WORDS).filter(outcome="")
    return rows.order_by("answer_by", "received_on")


def untold_processes() -> QuerySet[LegalProcess]:
    """What was given and the patient does not know of yet."""
    return LegalProcess.objects.defer(*_WORDS).filter(outcome="given", told_at=None).order_by("withheld_until")


def decided_processes(*, most: int = 50) -> QuerySet[LegalProcess]:
    """What was decided last, newest first."""
    return LegalProcess.objects.defer(*_WORDS).exclude(outcome="").order_by("-decided_at")[:most]


def open_process(*, by: Actor, process_id: UUID) -> ProcessView:
    """One paper for the officer's eyes: the trace first, then the words. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    whose = LegalProcess.objects.filter(pk=process_id).values_list("subject_id", flat=True).first()
    if whose is None:
        raise NotVisible
    access_record(
        by=by, action=Action.VIEW, purpose=Purpose.LEGAL_DUTY, subject_id=whose, object_kind="privacy.process",
        object_id=process_id, basis=f"process:{process_id}", durable=True,
    )
    row = LegalProcess.objects.filter(pk=process_id).first()
    if row is None:
        raise NotVisible
    return ProcessView(
        row, **{name: str(opened(row, name)) for name in _WORDS if name != "paper_key"}
    )


def open_register(*, by: Actor, patient_id: UUID) -> Register:
    """Entries, suspensions and consents of one person for the officer. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    if not Patient.objects.filter(pk=patient_id).exists():
        raise NotVisible
    access_record(
        by=by, action=Action.LIST, purpose=Purpose.LEGAL_DUTY, subject_id=patient_id,
        object_kind="records.disclosure", object_id=patient_id, basis="register", durable=True,
    )
    return Register(
        patient_id, given_grouped(patient_id, suspended=True), suspension_views(patient_id),
        consent_views(patient_id),
    )


def suspension_views(patient_id: UUID, *, reference: UUID | None = None) -> tuple[SuspensionView, ...]:
    """What is suspended today, with words; only after the trace of a look."""
    rows = suspensions_now(patient_id)
    if reference is not None:
        rows = rows.filter(reference=reference)
    return tuple(
        SuspensionView(row, opened(row, "agency"), opened(row, "official"), opened(row, "statement")) for row in rows
    )


def statements_of(subject_id: UUID) -> QuerySet[AccountingStatement]:
    """Statements that were given, newest first."""
    return AccountingStatement.objects.filter(subject_id=subject_id).order_by("-given_on", "pk")


def statement_is_free(request: RightsRequest, *, on: dt.date | None = None) -> bool:
    """The first statement in any twelve months is free; what the portal shows is always free (RULES 1.33, P36)."""
    if request.channel == Channel.PORTAL or request.subject_id is None:
        return True
    by_portal = RightsRequest.objects.filter(channel=Channel.PORTAL).values("pk")
    given = statements_of(request.subject_id).exclude(request_id=request.pk).exclude(request_id__in=by_portal)
    return accounting_is_free(on or today(), given.values_list("given_on", flat=True))


def assignments() -> QuerySet[Assignment]:
    """New owners, the newest first."""
    return Assignment.objects.defer("paper_key").order_by("-created_at")
