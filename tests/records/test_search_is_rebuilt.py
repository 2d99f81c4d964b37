"""After a change of keys, and each night, the tokens are what the rows say."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from portal.evidence.models import Evidence
from records.models import Patient, SearchToken
from records.people.search import find
from records.people.search_rebuild import SHARES, check_share
from tests.records.building import broken

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P05")]


def some(count: int = 5) -> list[Patient]:
    return [
        Patient.objects.create(given_name="Ana", family_name=f"Okafor{number}", birth_date=dt.date(1970, 1, 1 + number))
        for number in range(count)
    ]


def run(**options: Any) -> str:
    out = StringIO()
    call_command("search_rebuild", stdout=out, stderr=out, **options)
    return out.getvalue()


def tokens() -> set[tuple[UUID, UUID]]:
    return set(SearchToken.objects.values_list("token", "patient_id"))


def test_a_new_key_moves_every_token_and_a_second_run_changes_nothing(settings: Any) -> None:
    some()
    before, old = tokens(), settings.SEARCH_HMAC_KEY[0]
    settings.SEARCH_HMAC_KEY = ["a fresh key, only for this test, long enough", old]
    assert "total: 5 to mend, 0 right" in run(dry_run=True)
    assert tokens() == before
    assert "total: 5 mended" in run(batch=2)
    assert not tokens() & before
    settings.SEARCH_HMAC_KEY = settings.SEARCH_HMAC_KEY[:1]
    assert "total: 0 to mend, 5 right" in run(dry_run=True)
    assert len(find("ana").ids) == 5


def test_stopped_in_the_middle_it_goes_on_from_there() -> None:
    people = sorted(patient.pk for patient in some())
    SearchToken.objects.all().delete()
    assert "total: 3 mended" in run(after=people[1])
    assert set(SearchToken.objects.values_list("patient_id", flat=True)) == set(people[2:])


def test_a_value_that_cannot_be_read_keeps_its_tokens_and_the_old_key_is_asked_for(settings: Any) -> None:
    patient = some(1)[0]
    broken(Patient, "family_name", pk=patient.pk)
    with pytest.raises(CommandError, match="keep the old search keys"):
        run()
    assert find("okafor0").ids == (patient.pk,)


def test_each_night_mends_what_a_change_behind_the_services_left_and_says_so() -> None:
    patient = some(1)[0]
    SearchToken.objects.filter(patient=patient).delete()
    nights = [dt.date(2026, 11, 25) + dt.timedelta(days=day) for day in range(SHARES)]
    found = [check_share(night) for night in nights]
    assert [outcome.seen for outcome in found].count(1) == 1
    assert sum(outcome.mended for outcome in found) == 1
    assert find("okafor0").ids == (patient.pk,)
    kept = Evidence.objects.filter(kind="records.search")
    assert kept.count() == SHARES and kept.filter(passed=False).count() == 1
    assert not any(outcome.mended for outcome in map(check_share, nights))
