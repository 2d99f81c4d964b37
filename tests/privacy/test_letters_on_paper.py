"""The way of the paper: the print queue, the post, what came back, and what may not be kept or leave (P35, P47)."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pikepdf
import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.crypto import sealed
from portal.dates import today
from portal.errors import DomainError, NotVisible
from privacy.letters import housekeeping, making, reading, services
from privacy.letters.models import Letter, PrintState
from privacy.letters.services import Enclosure, Recipient, letter_write
from records.freezing.models import FreezeReason
from records.freezing.services import freeze
from records.models import Patient
from records.people.services import patient_update
from tests.privacy.writing import HOME, made, text_of, written

As = Callable[..., Client]


def test_all_that_waits_is_printed_in_one_file_each_letter_on_a_sheet_of_its_own(
    ana: User, anas: Patient, officer: User, as_: As
) -> None:
    address = {"street": "1 Lake Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    behind = sealed.write(_pages(3), folder="letters")
    letters = [
        made(written(ana, anas, paper=True)),
        made(written(ana, anas, paper=True, enclosure=Enclosure(behind, 3))),
        made(written(ana, anas, paper=True, to=Recipient("Dr. Ann Lee", ("9 Hill Street", "St. Cloud, MN 56301")))),
    ]
    nowhere = made(written(ana, anas, paper=True, to=Recipient("Nobody Known")))
    Letter.objects.filter(pk=nowhere.pk).update(recipient={"name": "Nobody Known", "lines": []})
    client = as_(officer)
    desk = client.get(reverse("admin:letters")).content.decode()
    assert "1 Lake Road" in desk
    assert "Needs an address" in desk
    pdf = client.post(reverse("admin:letters_batch")).content
    with pikepdf.open(io.BytesIO(pdf)) as found:
        assert len(found.pages) == 2 + 2 + (2 + 4) + 2, "a sheet of addresses, then fronts and backs"
    said = text_of(pdf)
    assert all(making.reference_shown(letter.reference) in said for letter in letters)
    assert "Dr. Ann Lee" in said
    states = set(Letter.objects.filter(pk__in=[letter.pk for letter in letters]).values_list("paper", flat=True))
    assert states == {PrintState.PRINTED}
    assert AccessEvent.objects.filter(action=Action.PRINT, actor_id=officer.pk).count() == 3
    client.post(reverse("admin:letters_posted"), {"letter": [str(letter.pk) for letter in letters]})
    assert Letter.objects.filter(paper=PrintState.POSTED, posted_on=today()).count() == 3
    assert client.post(reverse("admin:letters_batch")).status_code == 302, "nothing more to print"


def _pages(count: int) -> bytes:
    pdf, out = pikepdf.new(), io.BytesIO()
    for _ in range(count):
        pdf.add_blank_page(page_size=(612, 792))
    pdf.save(out)
    return out.getvalue()


def test_what_comes_back_stays_on_the_desk_until_it_is_seen_to(
    ana: User, anas: Patient, officer: User, as_: As
) -> None:
    letter = made(written(ana, anas, paper=True, to=HOME))
    by, here = officer.actor, {"letter_id": letter.pk}
    with pytest.raises(DomainError, match="letter_state"):
        services.letter_returned(by=by, on=today(), **here)
    with pytest.raises(DomainError, match="letter_day"):
        services.letter_posted(by=by, on=today() + dt.timedelta(days=1), **here)
    services.letter_posted(by=by, on=today(), note="RR 123", **here)
    client = as_(officer)
    client.post(reverse("admin:letter_returned", args=[letter.pk]), {"on": today().isoformat(), "note": "moved away"})
    desk = client.get(reverse("admin:letters")).content.decode()
    assert "has not got their letter" in desk
    page = client.get(reverse("admin:letter", args=[letter.pk])).content.decode()
    assert "Next: tell the person in another way" in page
    assert "moved away" in page
    bad = client.post(reverse("admin:letter_address", args=[letter.pk]), {"name": "Ana Okafor", "address": "one line"})
    assert "two to five lines" in bad.content.decode()
    new = {"name": "Ana Okafor", "address": "2 Other Road\nSt. Cloud, MN 56301"}
    client.post(reverse("admin:letter_address", args=[letter.pk]), new)
    former = letter.pdf_name
    made(letter)
    assert letter.paper == PrintState.TO_PRINT
    assert letter.pdf_name != former
    assert "2 Other Road" in text_of(reading.desk_file(by=by, letter_id=letter.pk))
    services.letter_posted(by=by, on=today(), **here)
    services.letter_returned(by=by, on=today(), **here)
    with pytest.raises(DomainError, match="note_missing"):
        services.letter_settle(by=by, note=" ", **here)
    services.letter_settle(by=by, note="told by phone", **here)
    assert "has not got their letter" not in client.get(reverse("admin:letters")).content.decode()


def test_only_the_officer_has_the_desk(ana: User, anas: Patient, clinician: User, support: User) -> None:
    letter = made(written(ana, anas, paper=True, to=HOME))
    for person in (ana, clinician, support):
        for deed in (reading.desk_open, reading.desk_file):
            with pytest.raises(NotVisible):
                deed(by=person.actor, letter_id=letter.pk)
        with pytest.raises(NotVisible):
            services.letter_posted(by=person.actor, letter_id=letter.pk, on=today())
        with pytest.raises(NotVisible):
            reading.batch(by=person.actor)


def test_what_was_enclosed_and_the_last_letter_of_a_person_who_is_gone_are_not_kept(
    ana: User, anas: Patient, officer: User, settings: Any
) -> None:
    behind = sealed.write(_pages(1), folder="letters")
    letter = made(written(ana, anas, paper=True, to=HOME, enclosure=Enclosure(behind, 1)))
    fields = {"deleted": "All.", "kept": "A sealed copy.", "backups_until": "January 1, 2027"}
    last = made(letter_write(
        by=SYSTEM, kind="closing", subject_id=None, request_id=uuid4(), fields=fields, paper=True, to=HOME
    ))
    for one in (letter, last):
        services.letter_posted(by=officer.actor, letter_id=one.pk, on=today())
    assert housekeeping.enclosures_remove() == housekeeping.closing_wipe() == 0
    Letter.objects.update(posted_on=today() - dt.timedelta(days=settings.LETTER_ENCLOSURE_DAYS + 1))
    assert (housekeeping.enclosures_remove(), housekeeping.closing_wipe()) == (1, 1)
    assert not sealed.exists(behind.name)
    assert not sealed.exists(last.pdf_name)
    assert list(Letter.objects.values_list("pk", flat=True)) == [letter.pk]
    assert sealed.exists(letter.pdf_name)


def test_a_copy_that_came_back_is_kept_until_it_was_seen_to(ana: User, anas: Patient, officer: User) -> None:
    letter, behind = with_a_copy(ana, anas)
    by, here, old = officer.actor, {"letter_id": letter.pk}, today() - dt.timedelta(days=400)
    services.letter_posted(by=by, on=today(), **here)
    services.letter_returned(by=by, on=today(), **here)
    Letter.objects.update(posted_on=old)
    assert housekeeping.enclosures_remove() == 0, "it may still be sent to another address"
    services.letter_settle(by=by, note="The person fetched it.", **here)
    assert housekeeping.enclosures_remove() == 1
    assert not sealed.exists(behind)


def test_a_letter_whose_copy_is_gone_is_not_sent_anew_without_it(ana: User, anas: Patient, officer: User) -> None:
    letter, _behind = with_a_copy(ana, anas)
    by, here = officer.actor, {"letter_id": letter.pk}
    services.letter_posted(by=by, on=today(), **here)
    Letter.objects.update(posted_on=today() - dt.timedelta(days=400))
    assert housekeeping.enclosures_remove() == 1
    services.letter_returned(by=by, on=today(), **here)
    with pytest.raises(DomainError, match="enclosure_gone"):
        services.letter_readdress(by=by, name="Ana Okafor", address="2 Other Road\nSt. Cloud, MN 56301", **here)


def test_it_is_posted_again_only_after_it_came_back(ana: User, anas: Patient, officer: User) -> None:
    letter = made(written(ana, anas, paper=True, to=HOME))
    by, here = officer.actor, {"letter_id": letter.pk}
    services.letter_posted(by=by, on=today(), **here)
    services.letter_returned(by=by, on=today(), **here)
    services.letter_readdress(by=by, name="Ana Okafor", address="2 Other Road\nSt. Cloud, MN 56301", **here)
    made(letter)
    Letter.objects.update(returned_on=today() + dt.timedelta(days=1))
    with pytest.raises(DomainError, match="letter_day"):
        services.letter_posted(by=by, on=today(), **here)


@pytest.mark.promise("P47")
def test_the_copy_of_a_record_that_was_stopped_meanwhile_is_neither_printed_nor_posted(
    ana: User, anas: Patient, officer: User
) -> None:
    letter, _behind = with_a_copy(ana, anas)
    plain = made(written(ana, anas, paper=True, to=HOME))
    freeze(by=officer.actor, patient_id=anas.pk, reason=FreezeReason.STOP_USING, reference=uuid4())
    with pikepdf.open(io.BytesIO(reading.desk_file(by=officer.actor, letter_id=letter.pk))) as found:
        assert len(found.pages) == 2, "the letter alone"
    reading.batch(by=officer.actor)
    letter.refresh_from_db()
    plain.refresh_from_db()
    assert (letter.paper, plain.paper) == (PrintState.TO_PRINT, PrintState.PRINTED), "the law's letters still go"
    with pytest.raises(DomainError, match="frozen"):
        services.letter_posted(by=officer.actor, letter_id=letter.pk, on=today())


def with_a_copy(ana: User, anas: Patient) -> tuple[Letter, str]:
    """A letter that is made, and the name of the sealed PDF behind it."""
    behind = sealed.write(_pages(1), folder="letters")
    return made(written(ana, anas, paper=True, to=HOME, enclosure=Enclosure(behind, 1))), behind.name


def test_what_cannot_be_posted_stops_nothing_behind_it_and_the_rest_waits_for_the_next_file(
    ana: User, anas: Patient, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = made(written(ana, anas, paper=True))
    assert not (nowhere.recipient or {}).get("lines")
    first, second = (made(written(ana, anas, paper=True, to=HOME)) for _number in range(2))
    for name in ("BATCH_MOST", "BATCH_PAGES"):
        with monkeypatch.context() as patch:
            patch.setattr(reading, name, 1)
            reading.batch(by=officer.actor)
        printed = Letter.objects.filter(paper=PrintState.PRINTED).count()
        assert printed == (1 if name == "BATCH_MOST" else 2)
    assert set(Letter.objects.filter(paper=PrintState.PRINTED)) == {first, second}


def test_a_letter_that_got_another_address_while_it_was_printed_still_waits(
    ana: User, anas: Patient, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = made(written(ana, anas, paper=True, to=HOME))
    merged = reading._merged

    def meanwhile(*args: Any, **more: Any) -> bytes:
        services.letter_readdress(
            by=officer.actor, letter_id=letter.pk, name="Ana Okafor", address="2 Other Road\nSt. Cloud, MN 56301"
        )
        return merged(*args, **more)

    monkeypatch.setattr(reading, "_merged", meanwhile)
    reading.batch(by=officer.actor)
    assert made(letter).paper == PrintState.TO_PRINT


def test_of_those_ticked_one_that_is_gone_stops_no_other(
    ana: User, anas: Patient, officer: User, as_: As
) -> None:
    letter = made(written(ana, anas, paper=True, to=HOME))
    answer = as_(officer).post(reverse("admin:letters_posted"), {"letter": [str(uuid4()), "x", str(letter.pk)]})
    letter.refresh_from_db()
    assert answer.status_code == 302 and letter.paper == PrintState.POSTED
