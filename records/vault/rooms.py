"""Opening parts of one patient's record. Each function: access, committed trace, content.

All raise ``NotVisible`` for what is not there or not for this person, and ``RuntimeError`` inside
an open transaction (see ``gate.look``).
"""

from __future__ import annotations

from uuid import UUID

from portal.audit.models import Action
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.access import RULES, may_open
from records.encounters.models import Encounter
from records.history.models import Section
from records.people.models import GrantKind, Patient
from records.photos.selectors import PhotoCard
from records.plans.models import Plan
from records.vault import load
from records.vault.content import (
    AssessmentView,
    CaseView,
    EncounterView,
    MessageView,
    PatientView,
    PlanView,
    RecordView,
    RoutineView,
)
from records.vault.documents import document_cards
from records.vault.entries import PREVIEW, sections_view
from records.vault.gate import look
from records.vault.notes import HAS_NOTES, notes_of
from records.vault.papers import NO_NOTES
from records.withholding.selectors import HAS_WITHHELD, is_withheld, kept_back, withheld_of


def open_patient(*, by: Actor, patient_id: UUID, purpose: Purpose) -> PatientView:
    """Who the patient is and how to reach them. A waiting case shows no phone and no address."""
    grant = look(
        by=by, patient_id=patient_id, purpose=purpose, kind="records.patient", object_id=patient_id, whole=False
    )
    return load.patient_view(_patient(patient_id), whole=_whole(grant))


def open_encounter(*, by: Actor, encounter_id: UUID, purpose: Purpose) -> EncounterView:
    """One episode with its answers, in the words they were asked in. Two queries of content."""
    encounter, grant = _look(by, encounter_id, purpose, kind="records.encounter", preview=True)
    return load.encounter_views([encounter], grant=grant, parts=("answers",))[0]


def open_case(*, by: Actor, encounter_id: UUID, purpose: Purpose) -> CaseView:
    """One episode with everything on it, and its patient, under one trace: a page of a case."""
    encounter, grant = _look(by, encounter_id, purpose, kind="records.encounter", preview=True)
    parts = ("answers", "photos", "messages", "plans") if _whole(grant) else ("answers", "photos")
    patient = load.patient_view(_patient(encounter.patient_id), whole=_whole(grant))
    sections = tuple(Section) if _whole(grant) else PREVIEW
    return CaseView(
        patient=patient, encounter=load.encounter_views([encounter], grant=grant, parts=parts)[0],
        sections=sections_view(encounter.patient_id, grant=grant, only=sections),
        notes=notes_of(encounter.patient_id, grant=grant),
    )


def photo_list(*, by: Actor, encounter_id: UUID, purpose: Purpose) -> tuple[PhotoCard, ...]:
    """Which photos an episode has, with their states; the pictures themselves: ``open_photo``."""
    encounter, grant = _look(by, encounter_id, purpose, kind="records.photo", action=Action.LIST, preview=True)
    return load.photo_cards([encounter.pk], grant=grant).get(encounter.pk, ())


def open_thread(*, by: Actor, encounter_id: UUID, purpose: Purpose) -> tuple[MessageView, ...]:
    """The messages of an episode, oldest first, with the writers' names."""
    encounter, grant = _look(by, encounter_id, purpose, kind="records.message")
    return load.encounter_views([encounter], grant=grant, parts=("messages",))[0].messages


def open_plan(*, by: Actor, encounter_id: UUID, purpose: Purpose) -> PlanView | None:
    """The plan, or None; drafts only for those who write them."""
    encounter, grant = _look(by, encounter_id, purpose, kind="records.plan")
    return load.encounter_views([encounter], grant=grant, parts=("plans",))[0].plan


def open_routine(*, by: Actor, patient_id: UUID, encounter_id: UUID, purpose: Purpose) -> RoutineView | None:
    """The daily steps of a signed plan, or None. Three queries: access, trace, content.

    Access is asked for ``patient_id``, and only an episode of that patient is read.
    """
    grant = look(by=by, patient_id=patient_id, purpose=purpose, kind="records.plan", object_id=encounter_id)
    return load.routine_view(encounter_id, patient_id, grant=grant)


def is_kept_back(*, by: Actor, encounter_id: UUID) -> bool:
    """Whether an episode has a signed plan that this person is not shown (RULES 1.16). Nothing is opened."""
    plan = Plan.objects.filter(encounter_id=encounter_id, signed_at__isnull=False).only("pk", "patient_id").first()
    grant = plan and may_open(by=by, patient_id=plan.patient_id, purpose=Purpose.CARE, looking=True)
    return bool(plan and grant and is_withheld(plan.pk, grant))


def open_assessment(*, by: Actor, encounter_id: UUID, purpose: Purpose) -> AssessmentView | None:
    """The finding, or None; drafts only for those who write them."""
    encounter, grant = _look(by, encounter_id, purpose, kind="records.assessment")
    return load.encounter_views([encounter], grant=grant, parts=("plans",))[0].assessment


def open_record(
    *, by: Actor, patient_id: UUID, purpose: Purpose, action: Action = Action.VIEW, encounter_id: UUID | None = None
) -> RecordView:
    """Everything held (P31), or everything of one episode. Nine queries, however much it is; more with notes.

    What is kept back from the family is not in it; ``withheld`` says so (RULES 1.16).
    """
    grant = look(
        by=by, patient_id=patient_id, purpose=purpose, kind="records.record", object_id=encounter_id or patient_id,
        action=action,
    )
    rows = Encounter.objects.filter(patient_id=patient_id).order_by("-opened_at", "pk")
    if encounter_id is not None:
        rows = rows.filter(pk=encounter_id)
    rows = rows.select_related("patient", "assessment", "plan").annotate(noted=HAS_NOTES, withheld=HAS_WITHHELD)
    encounters = list(rows)
    patient = encounters[0].patient if encounters else _patient(patient_id)
    kept = () if encounters and not encounters[0].withheld else withheld_of(patient_id, grant)
    return RecordView(
        patient=load.patient_view(patient),
        encounters=load.encounter_views(encounters, grant=grant, kept={row.part_id for row in kept}),
        sections=sections_view(patient_id, grant=grant), documents=document_cards(patient_id, grant=grant),
        notes=NO_NOTES if encounters and not encounters[0].noted else notes_of(patient_id, grant=grant),
        withheld=kept_back(kept),
    )


def _look(
    by: Actor, encounter_id: UUID, purpose: Purpose, *, kind: str, action: Action = Action.VIEW, preview: bool = False
) -> tuple[Encounter, GrantKind]:
    """``preview``: also for who looks through the waiting cases, while this one waits."""
    encounter = Encounter.objects.filter(pk=encounter_id).first()
    if encounter is None:
        raise NotVisible
    waits = encounter.submitted_at is not None and encounter.closed_at is None
    grant = look(
        by=by, patient_id=encounter.patient_id, purpose=purpose, kind=kind, object_id=encounter.pk, action=action,
        whole=not (preview and waits),
    )
    return encounter, grant


def _patient(patient_id: UUID) -> Patient:
    patient = Patient.objects.filter(pk=patient_id).first()
    if patient is None:
        raise NotVisible
    return patient


def _whole(grant: GrantKind) -> bool:
    return grant is GrantKind.PORTAL or RULES[grant].whole
