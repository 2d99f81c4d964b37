"""What the officer typed on a request's page stands there again when it is refused (FIELD_FAULTS 41)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from privacy.corrections.services import statement_note
from records.models import Patient
from tests.sweeps.corrected import refused

As = Callable[..., Client]
pytestmark = [pytest.mark.django_db]
TYPED = "It was soap, and we have the receipt. "


def test_words_that_are_too_long_are_there_to_be_shortened(ana: User, anas: Patient, officer: User, as_: As) -> None:
    row = refused(ana, anas, officer)
    desk, long = as_(officer), TYPED * 120
    assert len(long) > settings.STATEMENT_MAX_SIGNS
    for deed in ("privacy_review_noted", "privacy_state"):
        page = desk.post(reverse(f"admin:{deed}", args=[row.pk]), {"words": long})
        shown = page.content.decode()
        assert page.status_code == 200 and long.strip() in shown and "4000" in shown.replace(",", ""), deed
    statement_note(by=officer.actor, request_id=row.pk, words="She says it was soap.")
    page = desk.post(reverse("admin:privacy_rebut", args=[row.pk]), {"words": long})
    assert long.strip() in page.content.decode()


def test_what_another_officer_did_meanwhile_is_told_and_the_words_stay(
    ana: User, anas: Patient, officer: User, as_: As
) -> None:
    row = refused(ana, anas, officer)
    statement_note(by=officer.actor, request_id=row.pk, words="She says it was soap.")
    desk, address = as_(officer), reverse("admin:privacy_rebut", args=[row.pk])
    desk.post(address, {"words": "We tested it."})
    shown = desk.post(address, {"words": TYPED}).content.decode()
    assert "We tested it." in shown and TYPED.strip() in shown and "there already" in shown
