"""What a kind adds to the page of a request hides nothing of what the page says, on both sides."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from privacy.requests.models import Channel, RequestKind, RightsRequest
from privacy.requests.registry import kinds, with_panel
from privacy.requests.services import request_withdraw
from privacy.requests.state import RequestState
from records.models import Patient
from tests.privacy.building import ask

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "zqx the very words that I wrote"
LETTER = "zqx the letter that says why"


def test_a_panel_may_not_take_a_name_of_the_pages() -> None:
    assert with_panel({"told": 1}, {"wanted": 2}) == {"told": 1, "wanted": 2}
    with pytest.raises(ValueError, match="told"):
        with_panel({"told": 1, "row": 0}, {"told": 2})


@pytest.mark.promise("P35", "P37")
def test_both_sides_read_the_words_and_the_letter_of_every_kind(
    anas: Patient, ana: User, officer: User, as_: Any
) -> None:
    hers, desk = as_(ana), as_(officer)
    for rules in kinds():
        row = RightsRequest.objects.create(
            kind=rules.kind, subject_id=anas.pk, account_id=ana.pk, form_key=uuid4(), details=WORDS,
            state=RequestState.DENIED, denial_ground="identity", denial_letter=LETTER, channel=Channel.PORTAL,
            ended_at=timezone.now(), received_on=dt.date(2026, 1, 5), first_due_on=dt.date(2026, 2, 4),
            due_on=dt.date(2026, 2, 4),
        )
        for client, page in (
            (hers, reverse("privacy:request", args=[row.pk])),
            (desk, reverse("admin:privacy_request", args=[row.pk])),
        ):
            shown = client.get(page).content.decode()
            assert WORDS in shown and LETTER in shown, (rules.kind, page)
    everything = hers.get(reverse("privacy:papers")).content.decode()
    for pk in RightsRequest.objects.values_list("pk", flat=True):
        assert reverse("privacy:request", args=[pk]) in everything, "nothing falls off the end of a list"
    assert reverse("privacy:papers") in hers.get(reverse("privacy:home")).content.decode()
    assert RightsRequest.objects.values("kind").distinct().count() == len(RequestKind)


@pytest.mark.promise("P39", "P51")
def test_before_a_deletion_the_officer_reads_what_else_would_end_unanswered(
    anas: Patient, ana: User, officer: User, as_: Any
) -> None:
    deletion, complaint = ask(ana, anas), ask(ana, anas, RequestKind.COMPLAINT, details=WORDS)
    page = as_(officer).get(reverse("admin:privacy_request", args=[deletion.pk])).content.decode()
    assert "It ends unanswered when the record is deleted" in page
    assert page.count(reverse("admin:privacy_request", args=[complaint.pk])) == 1
    request_withdraw(by=ana.actor, request_id=complaint.pk)
    page = as_(officer).get(reverse("admin:privacy_request", args=[deletion.pk])).content.decode()
    assert "It ends unanswered" not in page
