"""Bundles to be judged: of made records with everything in them, and of the demo's patients."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

from billing.models import Order
from consults.services import consult_paid
from portal.accounts.models import User
from portal.agreements.models import AgreementContext
from portal.agreements.selectors import current_for_sign_up
from portal.agreements.services import agreement_record
from portal.context import SYSTEM
from portal.crypto.base import SealedField
from portal.demo.clinic import Clinic
from portal.demo.seed import seed
from portal.permissions import Purpose
from records import models
from records.documents.selectors import DocumentCard
from records.export.bundle import agreements_about, last_change, record_files
from records.export.fhir import FileRef, record_bundle
from records.intake.models import UploadState
from records.models import DocumentKind, Patient, Section
from records.vault import RecordView, open_record
from records.vault.content import UNREADABLE
from records.vault.sections import (
    AllergyView,
    ConditionView,
    IdentifierView,
    MedicationView,
    SectionsView,
    TopicView,
)
from records.withholding.selectors import Kept
from tests.consults import building as consults
from tests.documents.building import a_document
from tests.records.building import allergy, broken, entry, filled, identifier, person, private_answers

AT = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


def sections(patient_id: UUID, say: Callable[[str], str] = str, **more: Any) -> SectionsView:
    """Every section filled, with every code that it knows. ``say`` may spoil the words."""

    def ident(name: str) -> UUID:
        return uuid5(patient_id, name)

    conditions = [("Asthma", "2011", "active"), ("Eczema", "as a child", "past"), ("Migraine", "2019-04", "active")]
    severities = ("mild", "moderate", "severe", "unknown")
    medicines = [("Metformin", "prescribed", "2020", "taking"), ("Ibuprofen", "over_the_counter", "", "stopped")]
    topics = [("smoking", "never"), ("smoking", "now"), ("smoking", "unsaid"), ("sun", "")]
    private = [("pregnancy", "no"), ("pregnancy", "possible"), ("pregnancy", "unsaid"), ("mood", "")]
    return SectionsView(
        conditions=tuple(
            ConditionView(ident(name), say(name), say(since), status, say("a note"), False, AT)
            for name, since, status in conditions
        ),
        allergies=(
            *(AllergyView(ident(word), say(f"Penicillin {word}"), say("hives"), word, "", AT) for word in severities),
            AllergyView(ident("bare"), say("Latex"), "", "unknown", "", AT),
        ),
        medications=tuple(
            MedicationView(ident(name), say(name), kind, say("50 mg"), say("each morning"), since, status, "", AT)
            for name, kind, since, status in medicines
        ),
        identifiers=(
            IdentifierView(ident("card"), "medical_id", "•••• 4711", say("Blue Plan"), AT),
            IdentifierView(ident("license"), "drivers_license", "•••• 99", "", AT),
        ),
        history=topic_views(topics[:1] + topics[3:], say),
        private=topic_views(private[:1] + private[3:], say),
        **{"checked_at": {"conditions": AT}, **more},
    )


def topic_views(topics: list[tuple[str, str]], say: Callable[[str], str] = str) -> tuple[TopicView, ...]:
    return tuple(
        TopicView(name, f"About {name}?", say(f"{choice or 'words'}"), False, AT, choice) for name, choice in topics
    )


def documents(patient_id: UUID) -> tuple[DocumentCard, ...]:
    kinds = [
        (DocumentKind.LAB_RESULT, "application/pdf"), (DocumentKind.OUTSIDE_RECORD, "image/jpeg"),
        (DocumentKind.OTHER, "application/pdf"),
    ]
    return tuple(
        DocumentCard(
            id=uuid5(patient_id, kind.value), patient_id=patient_id, kind=kind,
            title="" if kind == DocumentKind.OTHER else "Blood count", dated=dt.date(2026, 3, 1),
            state=UploadState.READY, received_at=AT, pages=2, content_type=content_type, reason="",
        )
        for kind, content_type in kinds
    )


def whole(record: RecordView, **more: Any) -> RecordView:
    """The record with every section and some documents."""
    patient_id = record.patient.id
    return dataclasses.replace(
        record, sections=more.pop("sections", sections(patient_id)), documents=documents(patient_id), **more
    )


def bundle_of(record: RecordView, *, lost: bool = False, numbers: dict[UUID, str] | None = None) -> dict[str, Any]:
    """As in a copy; ``lost``: no file can be read."""
    found = [photo.id for encounter in record.encounters for photo in encounter.photos]
    found += [card.id for card in record.documents]
    files = {} if lost else {ident: FileRef(f"files/{ident}", 12, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=") for ident in found}
    bundle = record_bundle(
        record, changed_at=last_change(record), files=files, numbers=numbers,
        agreements=agreements_about(record.patient.id),
    )
    done: dict[str, Any] = json.loads(json.dumps(bundle))
    return done


def opened(patient_id: UUID) -> RecordView:
    return open_record(by=SYSTEM, patient_id=patient_id, purpose=Purpose.LEGAL_DUTY)


def kept(ana: User, clinician: User) -> UUID:
    """A record with something in every section, as rows, for whatever opens it by itself. Returns the patient."""
    agreement_record(by=ana.actor, policies=current_for_sign_up(), context=AgreementContext.SIGN_UP)
    patient = filled(ana, clinician).patient
    allergy(ana, patient)
    identifier(ana, patient)
    entry(ana, patient, Section.CONDITIONS, name="Asthma", since="2011", status="active")
    entry(ana, patient, Section.MEDICATIONS, name="Metformin", kind="prescribed", status="taking")
    private_answers(ana, patient, pregnancy="no")
    a_document(patient, dated=dt.date(2026, 3, 1))
    return patient.pk


def made(ana: User, ben: User, guardian: User, clinician: User) -> dict[str, dict[str, Any]]:
    """One bundle a kind of record, by its name."""
    policies = current_for_sign_up()
    agreement_record(by=ana.actor, policies=policies, context=AgreementContext.SIGN_UP)
    full = opened(filled(ana, clinician).id)
    empty = opened(person(ben, given="부산시", family="<b>&\u0007 עמר").pk)
    none = SectionsView(stated_none=frozenset({"allergies", "medications", "conditions"}), checked_at={"allergies": AT})
    hidden = SectionsView(private_hidden=True, checked_at={"conditions": AT})
    spoilt = whole(full, sections=sections(full.patient.id, lambda _words: UNREADABLE))
    licence = sections(full.patient.id).identifiers[1].id
    made = {
        "whole": bundle_of(whole(full), numbers={licence: "D123-456"}),
        "as kept": bundle_of(full),
        "files lost": bundle_of(whole(full), lost=True),
        "unreadable sections": bundle_of(spoilt),
        "empty": bundle_of(empty),
        "none of anything": bundle_of(dataclasses.replace(empty, sections=none)),
        "none, yet a diagnosis": bundle_of(dataclasses.replace(full, sections=none)),
        "guardian": bundle_of(dataclasses.replace(empty, sections=hidden)),
        "parts left out": bundle_of(dataclasses.replace(empty, withheld=(Kept(empty.patient.id, None, 2, AT),))),
    }
    for place, choices in enumerate([("now", "possible"), ("unsaid", "unsaid"), ("former", "pregnant")]):
        said = SectionsView(
            history=topic_views([("smoking", choices[0])]), private=topic_views([("pregnancy", choices[1])]),
            checked_at={"history": AT},
        )
        made[f"answers {place}"] = bundle_of(dataclasses.replace(empty, sections=said))
    for model in (models.Patient, models.Encounter, models.Answer, models.Message, models.Assessment, models.Plan):
        for column in model._meta.concrete_fields:
            if isinstance(column, SealedField):
                broken(model, str(column.column))
    made["nothing can be read"] = bundle_of(opened(full.patient.id))
    return made


def seeded(monkeypatch: Any, patients: int) -> dict[str, dict[str, Any]]:
    """The copies of the demo's patients, whose payments need no Square here."""

    def pay(_clinic: Clinic, _by: Any, row: Any) -> None:
        consults.pay(Order.objects.get(kind="consult", reference=row.pk).pk)
        consult_paid(consult_id=row.pk)

    monkeypatch.setattr(Clinic, "_pay", pay)
    seed(patients=patients)
    found = {}
    for patient in Patient.objects.all():
        files = dict(record_files(patient_id=patient.pk))
        found[f"seeded {patient.pk}"] = json.loads(files["record.fhir.json"])
    return found
