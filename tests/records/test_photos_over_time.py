"""The photo timeline and the two photos compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from records.access import grant_open
from records.encounters.models import Encounter
from records.people.models import GrantKind
from records.photos.models import Photo, PhotoState
from tests.records.building import Kept, filled, person, photo

pytestmark = pytest.mark.django_db
As = Callable[[User | None], Client]
PHOTOS, COMPARE = reverse("records:photos"), reverse("records:compare")


def shot(kept: Kept, view: str, day: str, *, encounter: Encounter | None = None) -> Photo:
    """A ready photo that came at noon of this day."""
    row = photo(encounter or kept.encounter, view=view)
    Photo.objects.filter(pk=row.pk).update(received_at=f"{day}T12:00:00-06:00")
    return row


def thumbs(text: str) -> list[str]:
    """Ids of the photos shown, in the order of the page."""
    return [part.split("/thumb/")[0] for part in text.split('src="/record/photos/')[1:] if "/thumb/" in part[:60]]


@pytest.fixture
def years(anas: Kept) -> dict[str, Photo]:
    """Ana's photos of three days; the one of ``anas`` came today and is a front."""
    return {
        "may-front": shot(anas, "front", "2025-05-03"), "may-left": shot(anas, "left", "2025-05-03"),
        "july-front": shot(anas, "front", "2025-07-31"), "july-chest": shot(anas, "chest", "2025-07-31"),
    }


@pytest.mark.promise("P31")
def test_all_ready_photos_stand_by_month_and_view(
    as_: As, anas: Kept, ana: User, years: dict[str, Photo]
) -> None:
    waiting = Photo.objects.create(
        encounter=anas.encounter, patient=anas.patient, view="left", state=PhotoState.RECEIVED, uploaded_by=ana.pk,
        quarantine_name="photo-uploads/aa/b", quarantine_key=b"k" * 32,
    )
    text = as_(ana).get(PHOTOS).content.decode()
    order = [anas.photo, *(years[name] for name in ("july-front", "july-chest", "may-front", "may-left"))]
    assert thumbs(text) == [str(photo.pk) for photo in order]
    assert text.index("July 2025") < text.index("May 2025") and str(waiting.pk) not in text
    assert "Front, May 3, 2025" in text and f"#consult-{anas.encounter.pk}" in text
    assert text.count('loading="lazy"') == 5 and text.count('width="64" height="48"') == 5


def test_one_view_can_be_looked_at_alone(as_: As, ana: User, years: dict[str, Photo]) -> None:
    text = as_(ana).get(PHOTOS, {"view": "left"}).content.decode()
    assert thumbs(text) == [str(years["may-left"].pk)]
    assert 'view=left" aria-current="page"' in text
    assert len(thumbs(as_(ana).get(PHOTOS, {"view": "<nose>"}).content.decode())) == 5
    assert "no photos of this view" in as_(ana).get(PHOTOS, {"view": "neck"}).content.decode()


def test_a_photo_stands_on_the_day_of_the_reader(as_: As, anas: Kept, ana: User) -> None:
    """FIELD_FAULTS 1: late in the evening in Minnesota is the next day in London."""
    Photo.objects.filter(pk=anas.photo.pk).update(received_at="2025-01-31T22:30:00-06:00")
    assert "January 2025" in as_(ana).get(PHOTOS).content.decode()
    ana.time_zone = "Europe/London"
    ana.save()
    text = as_(ana).get(PHOTOS).content.decode()
    assert "February 2025" in text and "Front, Feb 1, 2025" in text


def test_the_oldest_and_the_newest_of_a_view_are_compared_first(
    as_: As, anas: Kept, ana: User, years: dict[str, Photo]
) -> None:
    pair = as_(ana).get(COMPARE).context["pair"]
    assert (pair.view, pair.before.id, pair.after.id) == ("front", years["may-front"].pk, anas.photo.pk)
    assert [shot.id for shot in pair.shots] == [years["may-front"].pk, years["july-front"].pk, anas.photo.pk]
    page = as_(ana).get(COMPARE, {"after": str(years["july-front"].pk)})
    assert page.context["pair"].after.id == years["july-front"].pk and page.context["pair"].weeks == 12
    assert "12 weeks lie between them" in page.content.decode()


def test_two_that_are_asked_for_are_shown_in_the_order_of_time(
    as_: As, anas: Kept, ana: User, years: dict[str, Photo]
) -> None:
    asked = {"before": str(anas.photo.pk), "after": str(years["july-front"].pk)}
    pair = as_(ana).get(COMPARE, asked).context["pair"]
    assert (pair.before.id, pair.after.id) == (years["july-front"].pk, anas.photo.pk)


@pytest.mark.parametrize("named", ["stranger", "other view", "same twice"])
def test_what_does_not_fit_is_passed_over(
    named: str, as_: As, anas: Kept, ana: User, ben: User, clinician: User, years: dict[str, Photo]
) -> None:
    bens = filled(ben, clinician, patient=person(ben, given="Ben"))
    asked = {
        "stranger": {"before": str(bens.photo.pk), "after": str(uuid4())},
        "other view": {"before": str(years["may-front"].pk), "after": str(years["may-left"].pk)},
        "same twice": {"before": str(years["may-front"].pk), "after": str(years["may-front"].pk)},
    }[named]
    page = as_(ana).get(COMPARE, asked)
    assert page.status_code == 200 and str(bens.photo.pk) not in page.content.decode()
    assert {page.context["pair"].before.id, page.context["pair"].after.id} <= {
        years["may-front"].pk, years["july-front"].pk, anas.photo.pk
    }


@pytest.mark.parametrize("text", ["x", "1", "../..", "\x00", "0" * 33])
def test_what_is_no_id_is_a_bad_request(text: str, as_: As, anas: Kept, ana: User) -> None:
    assert as_(ana).get(COMPARE, {"before": text}).status_code == 400


def test_with_one_photo_of_a_view_the_page_says_what_is_needed(as_: As, anas: Kept, ana: User, ben: User) -> None:
    assert "nothing to compare yet" in as_(ana).get(COMPARE).content.decode()
    assert "Compare two photos" not in as_(ana).get(PHOTOS).content.decode()
    assert "first consult" in as_(ben).get(PHOTOS).content.decode()
    assert as_(ben).get(COMPARE).status_code == 404
    person(ben, given="Ben")
    assert "There are no photos yet" in as_(ben).get(PHOTOS).content.decode()


@pytest.mark.promise("P21", "P31")
def test_family_sees_them_and_nobody_else(
    as_: As, anas: Kept, ana: User, ben: User, guardian: User, clinician: User, officer: User, years: dict[str, Photo]
) -> None:
    pages = [reverse(f"records:{name}_of", args=[anas.id]) for name in ("photos", "compare")]
    for stranger in (ben, guardian, clinician, officer):
        assert {as_(stranger).get(page).status_code for page in pages} == {404}, stranger.role
    grant_open(by=ana.actor, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    for page in (*pages, PHOTOS, COMPARE):
        answer = as_(guardian).get(page)
        assert answer.status_code == 200 and answer["Cache-Control"] == "private, no-store"
    for page in (*pages, PHOTOS, COMPARE):
        assert as_(None).get(page).status_code == 302 and as_(ana).post(page).status_code == 405


@pytest.mark.promise("P21")
def test_looking_at_the_list_leaves_one_trace(as_: As, anas: Kept, ana: User, years: dict[str, Photo]) -> None:
    before = set(AccessEvent.objects.values_list("pk", flat=True))
    as_(ana).get(PHOTOS)
    event = AccessEvent.objects.exclude(pk__in=before).get()
    assert (event.action, event.object_kind, event.subject_id) == (Action.LIST, "records.photo", anas.id)


def test_as_many_queries_for_many_photos_as_for_one(as_: As, anas: Kept, ana: User) -> None:
    def queries(page: str) -> int:
        browser = as_(ana)
        browser.get(page)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(page).status_code == 200
        return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])

    one = queries(PHOTOS)
    for number in range(30):
        shot(anas, ("front", "left", "right")[number % 3], str(dt.date(2024, 1, 1) + dt.timedelta(days=number * 9)))
    assert queries(PHOTOS) == queries(COMPARE) == one <= 8
