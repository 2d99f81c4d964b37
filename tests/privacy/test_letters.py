"""Letters: required fields, the PDF, the mail that tells nothing, reading, the way of the paper (P35, P37, P51)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail as outgoing
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.leaving import account_leave
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.crypto import sealed
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.jobs.models import Job, JobState
from portal.jobs.runner import run_job
from portal.outbox.delivery import drain
from portal.outbox.models import MailState, OutgoingMail
from privacy import exports
from privacy.letters import housekeeping, making, reading, services
from privacy.letters.models import Letter, NoticeState, PaperReason, PrintState
from privacy.letters.registry import checked, kind_of, kinds
from privacy.letters.services import Recipient, letter_write
from privacy.models import RecordCopy
from privacy.requests import services as engine
from privacy.requests.models import Channel, IdentityHow, RequestKind
from records.access import grant_close, grant_open
from records.contact.models import ContactChoice
from records.models import GrantKind, Patient
from records.people.services import patient_update
from tests.privacy.building import ask, bundles, carried_out, copy_asked, sealed_files, told, work
from tests.privacy.writing import FIELDS, HOME, made, text_of, written

As = Callable[..., Client]
ENGINES_OWN = {"received", "extension", "closing", "fee_quote", "identity_asked", "copy_cover"}


# --- Fields ------------------------------------------------------------------------------------------------


def test_the_engines_own_kinds_are_registered() -> None:
    assert {kind.kind for kind in kinds()} >= ENGINES_OWN


@pytest.mark.promise("P37")
@pytest.mark.parametrize(("kind", "field"), [(kind.kind, name) for kind in kinds() for name in kind.required])
def test_a_letter_is_refused_while_a_required_field_is_blank(kind: str, field: str) -> None:
    entry = kind_of(kind)
    full = dict.fromkeys(entry.required, "words")
    assert checked(entry, full).keys() == {*entry.required, *entry.optional}
    for blank in ("", "  \n"):
        with pytest.raises(DomainError) as refused:
            checked(entry, {**full, field: blank})
        assert (refused.value.code, refused.value.field) == ("letter_field", field)
        assert entry.label(field) in refused.value.message


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        checked(kind_of("received"), {**FIELDS, "reqest": "typo"})
    assert (refused.value.code, refused.value.field) == ("letter_field_unknown", "reqest")


def test_a_letter_that_is_refused_leaves_nothing(ana: User, anas: Patient) -> None:
    with pytest.raises(DomainError, match="letter_field"):
        written(ana, anas, fields={})
    with pytest.raises(LookupError):
        written(ana, anas, kind="nobody_wrote_this")
    with pytest.raises(ValueError, match="somebody"):
        letter_write(by=SYSTEM, kind="received", subject_id=None, fields=FIELDS)
    assert not Letter.objects.exists()
    assert not Job.objects.filter(kind=services.JOB_KIND).exists()


def test_the_same_deed_writes_one_letter(ana: User, anas: Patient) -> None:
    first = written(ana, anas, once_key="breach:1:2")
    assert written(ana, anas, once_key="breach:1:2").pk == first.pk
    assert Letter.objects.count() == 1


# --- The PDF (what each kind says: test_letters_say_what_the_law_asks.py) ------------------------------------


def test_the_same_letter_gives_the_same_bytes() -> None:
    content = {"title": "T", "blocks": [], **services._signature()}
    letter = Letter(kind="received", reference="K7Q2M4XD", language="en-us", dated=dt.date(2026, 11, 25),
                    content=content)
    assert making.letter_pdf(letter, HOME) == making.letter_pdf(letter, HOME)


def test_the_address_stands_in_the_window_of_the_envelope() -> None:
    import pypdfium2

    entry = kind_of("received")
    content = {"title": "T", "blocks": [b.as_json() for b in entry.body({**FIELDS, "more": ""})],
               **services._signature()}
    letter = Letter(kind="received", reference="K7Q2M4XD", language="en-us", dated=dt.date(2026, 11, 25),
                    content=content)
    lines = ("1 Lake Road", "Apartment 12", "Back House", "Clear Lake, MN 55319")
    with pypdfium2.PdfDocument(making.letter_pdf(letter, Recipient("Ana Okafor", lines))) as pdf:
        page = pdf[0].get_textpage()
        for words in ("Ana Okafor", "Clear Lake, MN 55319"):
            index, _count = page.search(words).get_next()
            left, bottom, _right, top = page.get_charbox(index)
            # Points from the lower left of a letter sheet of 792 by 612, folded in three: a No. 10 window.
            assert 63 <= left <= 100, words
            assert bottom >= 792 - 2.05 * 72 - 1.2 * 72, words
            assert top <= 792 - 1.9 * 72, words


# --- Making ------------------------------------------------------------------------------------------------


@pytest.mark.promise("P24")
def test_it_is_made_once_then_a_mail_tells_that_a_letter_waits_and_nothing_else(ana: User, anas: Patient) -> None:
    letter = written(ana, anas)
    assert not OutgoingMail.objects.filter(kind="privacy.letter_waits").exists(), "not before it is made"
    made(letter)
    run_job(letter.job_id)  # type: ignore[arg-type]  # again, as after a crash
    assert letter.made_at
    assert letter.pages == 1
    assert letter.notice == NoticeState.TOLD
    assert OutgoingMail.objects.filter(kind="privacy.letter_waits").count() == 1
    assert len([name for name in sealed_files() if name.startswith("letters/")]) >= 1
    drain()
    [mail] = outgoing.outbox
    assert mail.subject == "A letter waits for you"
    assert str(letter.pk) in mail.body
    assert "ZQX" not in mail.body + mail.subject
    assert "Okafor" not in mail.body
    pdf = sealed.read(letter.pdf_name, bytes(letter.pdf_key or b""))
    assert "ZQX" in text_of(pdf)
    assert "Ana Okafor" in text_of(pdf)


def test_a_worker_that_dies_before_the_row_leaves_a_file_that_is_swept(
    ana: User, anas: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = written(ana, anas)
    before = sealed_files()
    with monkeypatch.context() as patch:
        patch.setattr(making, "_keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(sealed, "delete", lambda name: None)  # killed: not even its own cleaning runs
        with pytest.raises(KeyboardInterrupt):
            run_job(letter.job_id)  # type: ignore[arg-type]
    lost = sealed_files() - before
    assert len(lost) == 1
    Job.objects.update(leased_until=timezone.now() - dt.timedelta(minutes=1))
    made(letter)
    assert letter.made_at, "the next worker goes on"
    monkeypatch.setattr(sealed, "ORPHAN_AGE", dt.timedelta(0))
    assert housekeeping.orphans_remove(set) >= 1, "other tests left some too"
    assert lost.isdisjoint(sealed_files())
    assert sealed.exists(letter.pdf_name)


def test_a_letter_that_cannot_be_made_stands_on_the_desk_and_can_be_tried_again(
    ana: User, anas: Patient, officer: User, monkeypatch: pytest.MonkeyPatch, as_: As
) -> None:
    letter = written(ana, anas)
    with monkeypatch.context() as patch:
        patch.setattr(making, "letter_pdf", lambda *_: (_ for _ in ()).throw(OSError("no disk")))
        for _ in range(3):
            Job.objects.filter(pk=letter.job_id).update(run_after=timezone.now())
            run_job(letter.job_id)  # type: ignore[arg-type]
    assert Job.objects.get(pk=letter.job_id).state == JobState.FAILED
    assert OutgoingMail.objects.filter(kind="privacy.letter_not_made", account_id=officer.pk).count() == 1
    client = as_(officer)
    assert "Could not be made" in client.get(reverse("admin:letters")).content.decode()
    client.post(reverse("admin:letter_again", args=[letter.pk]))
    assert made(letter).made_at


# --- Reading -----------------------------------------------------------------------------------------------


@pytest.mark.promise("P35", "P21")
def test_its_reader_sees_words_and_file_and_the_log_sees_the_reader(
    ana: User, ben: User, anas: Patient, as_: As
) -> None:
    letter = made(written(ana, anas))
    page = as_(ana).get(reverse("privacy:letter", args=[letter.pk]))
    assert "A copy on paper ZQX" in page.content.decode()
    file = as_(ana).get(reverse("privacy:letter_file", args=[letter.pk]))
    assert b"".join(file.streaming_content).startswith(b"%PDF")
    assert letter.reference in file["Content-Disposition"]
    deeds = AccessEvent.objects.filter(object_id=letter.pk, actor_id=ana.pk).values_list("action", flat=True)
    assert set(deeds) == {Action.VIEW, Action.DOWNLOAD}
    letter.refresh_from_db()
    assert letter.read_at
    assert as_(ben).get(reverse("privacy:letter", args=[letter.pk])).status_code == 404
    assert as_(ben).get(reverse("privacy:letter_file", args=[letter.pk])).status_code == 404


def test_who_may_no_longer_open_the_record_reads_no_letter_about_it(ana: User, anas: Patient) -> None:
    letter = made(written(ana, anas))
    grant_close(by=SYSTEM, patient_id=anas.pk, kind=GrantKind.SELF)
    with pytest.raises(NotVisible):
        reading.letter_open(by=ana.actor, letter_id=letter.pk)
    with pytest.raises(NotVisible):
        reading.letter_file(by=ana.actor, letter_id=letter.pk)


def test_the_home_page_lists_letters_and_says_which_is_new(ana: User, anas: Patient, as_: As) -> None:
    letter = made(written(ana, anas))
    assert reverse("privacy:letter", args=[letter.pk]) in as_(ana).get(reverse("privacy:home")).content.decode()


# --- Paper -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "paper", "reason"),
    [
        ({}, PrintState.NONE, PaperReason.NONE),
        ({"paper": True}, PrintState.TO_PRINT, PaperReason.ASKED),
        ({"account_id": None}, PrintState.TO_PRINT, PaperReason.NO_ACCOUNT),
    ],
)
def test_paper_is_for_who_asked_for_it_or_cannot_read_it(
    more: dict[str, Any], paper: str, reason: str, ana: User, anas: Patient
) -> None:
    letter = written(ana, anas, **more)
    assert (letter.paper, letter.paper_reason) == (paper, reason)


@pytest.mark.promise("P54")
def test_who_wants_post_only_gets_paper_at_the_address_they_chose_and_no_mail(ana: User, anas: Patient) -> None:
    address = {"street": "7 Quiet Lane", "city": "Monticello", "state": "MN", "postal_code": "55362"}
    ContactChoice.objects.create(
        patient=anas, request_id=uuid4(), post_only=True, address=address, since=timezone.now()
    )
    letter = made(written(ana, anas))
    assert (letter.paper, letter.paper_reason) == (PrintState.TO_PRINT, PaperReason.CHOICE)
    assert letter.notice == NoticeState.NONE
    assert letter.recipient == {"name": "Ana Okafor", "lines": ["7 Quiet Lane", "Monticello, MN 55362"]}
    assert not OutgoingMail.objects.exists()


def test_a_letter_to_a_guardian_bears_their_name_and_the_childs_address(
    guardian: User, officer: User, ana: User, anas: Patient
) -> None:
    address = {"street": "1 Lake Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"}
    patient_update(by=ana.actor, patient_id=anas.pk, address=address)
    grant_open(by=officer.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    letter = made(written(guardian, anas))
    assert letter.made_at and letter.recipient == {
        "name": "Gwen Okafor", "lines": ["1 Lake Road", "Clear Lake, MN 55319"]
    }
    view = reading.letter_open(by=guardian.actor, letter_id=letter.pk)
    assert view.salutation == "Dear Gwen Okafor,"


def test_a_child_without_an_account_is_written_to_through_its_parents(ana: User, anas: Patient) -> None:
    child = Patient.objects.create(given_name="Cleo", family_name="Okafor", birth_date=today() - dt.timedelta(4000))
    letter = made(written(ana, anas, subject_id=child.pk, account_id=None))
    assert letter.recipient["name"] == "To the parent or guardian of Cleo Okafor"


@pytest.mark.promise("P27")
@pytest.mark.parametrize("state", [MailState.DEAD, MailState.REFUSED])
def test_a_mail_that_does_not_arrive_becomes_paper_once(state: str, ana: User, anas: Patient) -> None:
    letter = made(written(ana, anas))
    assert housekeeping.mail_fails_to_paper() == 0
    OutgoingMail.objects.filter(kind="privacy.letter_waits").update(state=state)
    assert housekeeping.mail_fails_to_paper() == 1
    assert housekeeping.mail_fails_to_paper() == 0
    letter.refresh_from_db()
    assert (letter.paper, letter.paper_reason) == (PrintState.TO_PRINT, PaperReason.MAIL_FAILED)


def test_a_letter_that_was_read_needs_no_paper(ana: User, anas: Patient) -> None:
    letter = made(written(ana, anas))
    reading.letter_open(by=ana.actor, letter_id=letter.pk)
    OutgoingMail.objects.update(state=MailState.DEAD)
    assert housekeeping.mail_fails_to_paper() == 0


@pytest.mark.promise("P39", "P41")
@pytest.mark.parametrize("how", ["no account", "post only", "left for good"])
def test_the_last_letter_after_a_deletion_goes_by_post_to_who_has_no_mail_or_wants_none(
    how: str, ana: User, anas: Patient, clinician: User, officer: User
) -> None:
    told(ana, clinician, anas)
    if how == "post only":
        address = {"street": "7 Quiet Lane", "city": "Monticello", "state": "MN", "postal_code": "55362"}
        ContactChoice.objects.create(
            patient=anas, request_id=uuid4(), post_only=True, address=address, since=timezone.now()
        )
        request, line = ask(ana, anas), "7 Quiet Lane"
    elif how == "left for good":  # the sign-in is still there, with an address that nobody has
        patient_update(by=ana.actor, patient_id=anas.pk, address={"street": "5 Far Road", "city": "Elk River"})
        account_leave(by=SYSTEM, account_id=ana.pk)
        request, line = engine.request_open(
            by=officer.actor, kind=RequestKind.DELETION, subject_id=anas.pk, account_id=ana.pk, form_key=uuid4(),
            channel=Channel.PHONE, identity=engine.Identity(IdentityHow.CALLED_BACK),
        ), "5 Far Road"
    else:
        request, line = engine.request_open(
            by=officer.actor, kind=RequestKind.DELETION, subject_id=anas.pk, account_id=None, form_key=uuid4(),
            channel=Channel.MAIL, contact={"name": "Ana Okafor", "address": "3 Old Road\nClear Lake, MN 55319"},
            identity=engine.Identity(IdentityHow.COPY_OF_ID),
        ), "3 Old Road"
    carried_out(officer, request)
    assert request.state == "completed"
    assert not Patient.objects.filter(pk=anas.pk).exists()
    [letter] = Letter.objects.filter(kind="closing")
    assert (letter.subject_id, letter.account_id, letter.paper) == (None, None, PrintState.TO_PRINT)
    said = text_of(reading.desk_file(by=officer.actor, letter_id=made(letter).pk))
    for words in ("Your record was deleted", "Ana Okafor", line, "nothing of the record that went to anybody"):
        assert words in said
    assert not OutgoingMail.objects.filter(kind="privacy.erased").exists()
    assert Letter.objects.count() == 1, "letters about the record are gone with it"


@pytest.mark.promise("P32", "P40")
def test_letters_are_in_the_persons_copy_in_the_archive_and_gone_with_the_record(
    ana: User, anas: Patient, clinician: User, officer: User
) -> None:
    told(ana, clinician, anas)
    letter = made(written(ana, anas))
    copy = copy_asked(ana, anas)
    work(copy)
    _row, pieces = exports.copy_open(by=ana.actor, copy_id=RecordCopy.objects.get(request=copy).pk)
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        pdf = archive.read(f"letters/{letter.dated.isoformat()}-{letter.reference}.pdf")
        assert "ZQX" in archive.read("other/privacy.json").decode()
    assert "ZQX" in text_of(pdf)
    carried_out(officer, ask(ana, anas))
    assert not Letter.objects.exists()
    assert any(b"ZQX" in content for bundle in bundles() for content in bundle.values())


def test_the_words_of_a_letter_can_never_be_changed(ana: User, anas: Patient) -> None:
    letter = written(ana, anas)
    letter.content = {"title": "Another", "blocks": []}
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        letter.save()
    assert "ZQX" in str(Letter.objects.get(pk=letter.pk).content)
