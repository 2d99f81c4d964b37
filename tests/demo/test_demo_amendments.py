"""The demo's corrections and limits: one granted, one disputed, one under review, one that waits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from portal.agreements.services import policies_publish
from portal.demo.amendments import seed_amendments, seed_letters_about_the_record, seed_review
from privacy.requests.models import RightsRequest
from records.models import AccessGrant, GrantKind
from records.restrictions.selectors import limits_of
from records.vault.notes import notes_of
from tests.consults import building
from tests.records.building import allergy


@pytest.mark.django_db
def test_the_demo_shows_a_correction_in_each_of_its_ways(
    ana: User, ben: User, officer: User, clinician: User, settings: Any, tmp_path: Path
) -> None:
    settings.POKE_ENABLED, settings.LOCKBOX_DIR = False, tmp_path / "lockbox"
    policies_publish()
    consult = building.answered(ana, clinician)
    allergy(ana, consult.patient, substance="Nickel")
    bens = building.ready(ben, building.person(ben, given="Ben", family="Tran"))
    AccessGrant.objects.update(starts_at=timezone.now() - dt.timedelta(days=100))
    seed_amendments(ana, consult.patient_id)
    seed_review(ben, bens.patient)
    notes = notes_of(consult.patient_id, grant=GrantKind.PORTAL)
    assert len(notes.amendments) == 1 and len(limits_of(consult.patient_id)) == 1
    disputes = sorted([paper.kind for paper in dispute.papers] for dispute in notes.disputes)
    assert disputes == [["request", "denial"], ["request", "denial", "statement", "rebuttal"]]
    states = sorted(RightsRequest.objects.values_list("kind", "state"))
    assert states == [
        ("amendment", "completed"), ("amendment", "denied"), ("amendment", "denied"), ("amendment", "in_progress"),
        ("amendment", "under_review"), ("confidential", "received"), ("restriction", "completed"),
    ]
    seed_letters_about_the_record(ben, bens.patient)
    by_mail = RightsRequest.objects.filter(channel="mail").values_list("kind", "state")
    assert sorted(by_mail) == [
        ("amendment", "in_progress"), ("confidential", "in_progress"), ("restriction", "in_progress"),
    ]
