"""Corrections, limits and choices of contact in each of their states, for the sweeps and the canary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.dates import today
from portal.permissions import Purpose
from privacy.corrections import services as corrections
from privacy.denials import services as denials
from privacy.denials.models import Denial
from privacy.denials.services import No
from privacy.limits import services as limits
from privacy.requests import services as requests
from privacy.requests.models import RightsRequest
from records.amendments.models import PartKind, Telling
from records.contact.services import Wanted
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import disclosure_record
from records.models import Patient, Restriction
from records.restrictions.models import RecipientKind
from records.restrictions.services import restriction_override
from tests.records.building import allergy


@dataclass(frozen=True)
class Corrected:
    """What the addresses name: requests of two people, a review that waits, somebody to be told, a limit."""

    refused: UUID
    granted: UUID
    in_hand: UUID
    denial: UUID
    telling: UUID
    limit_request: UUID
    restriction: UUID
    reach_request: UUID


def asked(user: User, patient: Patient, what: str) -> RightsRequest:
    entry = allergy(user, patient, substance=what)
    return corrections.correction_ask(
        by=user.actor, patient_id=patient.pk, part=(PartKind.ENTRY, entry.pk), words="It was soap.", reason="I know.",
        form_key=uuid4(),
    )


def refused(user: User, patient: Patient, officer: User, what: str = "Nickel") -> RightsRequest:
    request = asked(user, patient, what)
    requests.request_start(by=officer.actor, request_id=request.pk)
    denials.request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="accurate", explain="It is right."))
    return request


def granted(user: User, patient: Patient, officer: User) -> tuple[RightsRequest, Telling]:
    disclosure_record(
        by=officer.actor, subject_id=patient.pk, purpose=Purpose.CARE, basis=DisclosureBasis.EMERGENCY,
        recipient="Dr. North", recipient_address="1 Main St\nBig Lake, MN 55309", what="The record", on=today(),
    )
    request = asked(user, patient, "Wool")
    requests.request_start(by=officer.actor, request_id=request.pk)
    corrections.correction_accept(by=officer.actor, request_id=request.pk, words="No allergy to wool.")
    telling = Telling.objects.get(request_id=request.pk, named_by_patient=False)
    corrections.telling_choose(by=user.actor, request_id=request.pk, agreed=[telling.pk])
    return request, telling


def build(ana: User, anas: Patient, dora: User, doras: Patient, officer: User, paid: UUID) -> Corrected:
    """Ana has ended ones and asks; what is in the officer's hands, and under review, is Dora's.

    ``paid`` is an encounter of Ana's that was paid in full.
    """
    wish, telling = granted(ana, anas, officer)
    no = refused(ana, anas, officer)
    corrections.statement_write(by=ana.actor, request_id=no.pk, words="I do not agree.")
    second = refused(ana, anas, officer, "Latex")
    limit = limits.limit_ask(
        by=ana.actor, patient_id=anas.pk, form_key=uuid4(), what="The visit", recipient_kind=RecipientKind.HEALTH_PLAN,
        paid_encounter_id=paid,
    )
    restriction = Restriction.objects.get(request_id=limit.pk)
    restriction_override(
        by=officer.actor, restriction_id=restriction.pk, recipient="Hospital", reason="An accident",
        asked_not_to_reuse=True, form_key=uuid4(),
    )
    reach = limits.reach_ask(
        by=ana.actor, patient_id=anas.pk, form_key=uuid4(),
        wanted=Wanted(no_phone=True, phone="320 555 0101", address=ADDRESS, payment="By letter"),
    )
    waits = refused(dora, doras, officer)
    denials.review_ask(by=dora.actor, request_id=waits.pk, words="Look again.")
    in_hand = asked(dora, doras, "Silver")
    requests.request_start(by=officer.actor, request_id=in_hand.pk)
    return Corrected(
        refused=second.pk, granted=wish.pk, in_hand=in_hand.pk, denial=Denial.objects.get(request=waits).pk,
        telling=telling.pk, limit_request=limit.pk, restriction=restriction.pk, reach_request=reach.pk,
    )


ADDRESS: dict[str, Any] = {"street": "PO Box 7", "city": "Monticello", "state": "MN", "postal_code": "55362"}
