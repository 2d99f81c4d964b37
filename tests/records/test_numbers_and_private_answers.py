"""Numbers stay covered until they are shown, and what is private stays between patient and clinic (P07, RULES 4.14)."""

from __future__ import annotations

import io
import re
import time
import zipfile
from typing import Any
from uuid import uuid4

import pypdf
import pytest
from django.db import connection
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.errors import NotVisible
from portal.permissions import Purpose, Role
from portal.subjects import Subject
from records import personal_data, vault
from records.access import grant_open
from records.export.archive_file import build_record_zip
from records.history import services
from records.history.models import SHEET, Entry, Section
from records.history.topics import Said, topics_save
from records.people.models import GrantKind, GrantScope, Patient
from tests.records.building import Kept, allergy, broken, entry, identifier, person, private_answers
from tests.records.section_steps import GOOD, As, anas, events, form_of, kept_anas, sections, url

__all__ = ["anas", "kept_anas"]  # fixtures
pytestmark = pytest.mark.django_db


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.promise("P07", "P21")
def test_a_number_is_covered_until_it_is_shown_and_each_showing_is_logged(
    as_: As, ana: User, anas: Patient
) -> None:
    number, browser = "QX-777-314159", as_(ana)
    row = identifier(ana, anas, number=number)
    show = reverse("records:entry_reveal", args=[row.pk])
    pages = (
        url(Section.IDENTIFIERS), reverse("records:record"), reverse("records:entry", args=[row.pk]),
        reverse("records:entry_remove", args=[row.pk]), show,
    )
    for page in pages:
        text = browser.get(page).content.decode()
        assert number not in text and "314159" not in text, page
    assert "•••• 4159" in browser.get(url(Section.IDENTIFIERS)).content.decode()
    sent = form_of(browser, show)
    assert not AccessEvent.objects.filter(action=Action.REVEAL).exists()
    shown = browser.post(show, sent)
    assert number in shown.content.decode() and shown["Cache-Control"] == "private, no-store"
    reveal = AccessEvent.objects.get(action=Action.REVEAL)
    assert (reveal.actor_id, reveal.subject_id, reveal.object_kind, reveal.object_id) == (
        ana.pk, anas.pk, "records.identifier", row.pk,
    )
    reloaded = browser.post(show, sent)
    assert reloaded["Location"] == url(Section.IDENTIFIERS), "loading the page anew covers it again"
    assert browser.post(show, {}).status_code == 302
    assert AccessEvent.objects.filter(action=Action.REVEAL).count() == 1
    browser.post(show, form_of(browser, show))
    assert AccessEvent.objects.filter(action=Action.REVEAL).count() == 2


@pytest.mark.promise("P18", "P07")
def test_an_old_sign_in_is_asked_for_again_before_a_number_is_shown(as_: As, ana: User, anas: Patient) -> None:
    row, browser = identifier(ana, anas), as_(ana)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 301}]
    session.save()
    show = reverse("records:entry_reveal", args=[row.pk])
    answer = browser.post(show, {"form_key": str(uuid4())})
    assert answer.status_code == 302 and "reauthenticate" in answer["Location"]
    assert not AccessEvent.objects.filter(action=Action.REVEAL).exists()


@pytest.mark.promise("P07")
def test_no_list_loads_the_number(ana: User, anas: Patient, django_assert_num_queries: Any) -> None:
    identifier(ana, anas, number="QX-777-314159")
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        shown = vault.open_record(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE)
    assert shown.sections.identifiers[0].masked == "•••• 4159"
    reads = [query["sql"] for query in captured.captured_queries if 'FROM "records_entry"' in query["sql"]]
    assert len(reads) == 1 and '"number"' not in reads[0]
    assert "314159" not in repr(shown)


@pytest.mark.parametrize(("number", "tail"), [("1234", "34"), ("AB-12345", "345"), ("K-123-456-789-012", "9012")])
def test_the_cover_leaves_two_to_four_signs(number: str, tail: str, ana: User, anas: Patient) -> None:
    identifier(ana, anas, number=number)
    assert sections(ana, anas).identifiers[0].masked == f"•••• {tail}"


def test_a_new_number_is_in_the_history_and_an_empty_one_leaves_it(as_: As, ana: User, anas: Patient) -> None:
    row, browser = identifier(ana, anas, number="OLD-11112222"), as_(ana)
    page = reverse("records:entry", args=[row.pk])
    browser.post(page, form_of(browser, page, issuer="Iowa"))
    assert Entry.objects.get(pk=row.pk).number == "OLD-11112222"
    browser.post(page, form_of(browser, page, number="NEW-33334444"))
    assert Entry.objects.get(pk=row.pk).number == "NEW-33334444"
    assert [event.number for event in events(pgh_obj_id=row.pk)] == ["OLD-11112222", "OLD-11112222"]
    assert sections(ana, anas).identifiers[0].masked == "•••• 4444"


# -- topics, and what a guardian never sees -----------------------------------------------------


@pytest.mark.promise("P07", "P30")
def test_the_health_history_is_answered_topic_by_topic(as_: As, ana: User, anas: Patient) -> None:
    browser, page = as_(ana), url(Section.HISTORY, "answers", anas)
    sent = form_of(browser, page, **{"operations-text": "Appendix, 2009", "smoking-choice": "former"})
    browser.post(page, sent)
    text = browser.get(url(Section.HISTORY)).content.decode()
    assert "Appendix, 2009" in text and "I stopped" in text and "not answered" in text
    assert set(Entry.objects.exclude(code=SHEET).values_list("code", flat=True)) == {"operations", "smoking"}
    browser.post(page, form_of(browser, page, **{"operations-text": ""}))
    assert [view.topic for view in sections(ana, anas).history] == ["smoking"]
    assert events(code="operations")[0].value == {"text": "Appendix, 2009"}


@pytest.mark.promise("P38")
def test_an_answer_of_another_window_is_not_overwritten(as_: As, ana: User, anas: Patient) -> None:
    private_answers(ana, anas, mood="fine")
    browser, page = as_(ana), url(Section.PRIVATE, "answers", anas)
    old = form_of(browser, page, **{"mood-text": "typed in the old window"})
    browser.post(page, form_of(browser, page, **{"mood-text": "typed in the new window"}))
    answer = browser.post(page, old)
    text = answer.content.decode()
    assert answer.status_code == 200 and "changed meanwhile" in text
    assert "typed in the old window" in text and "typed in the new window" in text
    assert sections(ana, anas).private[0].text == "typed in the new window"
    form = answer.context["form"]
    browser.post(page, {name: str(form[name].value() or "") for name in form.fields})
    assert sections(ana, anas).private[0].text == "typed in the old window"


@pytest.mark.parametrize(
    ("typed", "words"), [({"mood-text": "m" * 4001}, "at most 4000"), ({"pregnancy-choice": "often"}, "not one of")]
)
def test_nonsense_in_an_answer_is_refused_and_nothing_else_is_kept(
    typed: dict[str, str], words: str, as_: As, ana: User, anas: Patient
) -> None:
    browser, page = as_(ana), url(Section.PRIVATE, "answers", anas)
    answer = browser.post(page, form_of(browser, page, **{"substances-text": "a beer on Sundays", **typed}))
    assert answer.status_code == 200 and words in answer.content.decode()
    assert "a beer on Sundays" in answer.content.decode()
    assert not Entry.objects.exists()


@pytest.mark.promise("P17")
def test_an_answer_that_cannot_be_read_stays_beside_the_others(as_: As, ana: User, anas: Patient) -> None:
    private_answers(ana, anas, mood="fine", substances="none")
    broken(Entry, "value", code="mood")
    browser, page = as_(ana), url(Section.PRIVATE, "answers", anas)
    assert "Mood" in re.sub(r"\s+", " ", browser.get(page).content.decode())
    browser.post(page, form_of(browser, page, **{"substances-text": "wine"}))
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM records_entry WHERE code = 'mood'")
        assert cursor.fetchone()[0] == "gAAAAABnotatoken"
    assert "wine" in {str(view.text) for view in sections(ana, anas).private}


@pytest.fixture
def gwen(guardian: User, ana: User, anas: Patient) -> User:
    """A guardian of Ana, who has private answers, a private medicine and one that is not."""
    private_answers(ana, anas, pregnancy="QZPREGNANT", mood="QZMOOD")
    entry(ana, anas, Section.MEDICATIONS, name="QZPILL", kind="prescribed", status="taking", private=True)
    entry(ana, anas, Section.MEDICATIONS, name="Ibuprofen", kind="over_the_counter", status="taking")
    grant_open(by=ana.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    return guardian


@pytest.mark.promise("P47", "P21")
def test_a_guardian_never_sees_what_is_private(as_: As, gwen: User, ana: User, anas: Patient) -> None:
    browser = as_(gwen)
    pages = [url(section, "section_of", anas) for section in Section] + [
        reverse("records:record"), reverse("records:record_of", args=[anas.pk]),
    ]
    for page in pages:
        text = browser.get(page).content.decode()
        assert not [word for word in ("QZPREGNANT", "QZMOOD", "QZPILL") if word in text], page
    assert "Ibuprofen" in browser.get(url(Section.MEDICATIONS, "section_of", anas)).content.decode()
    whole = vault.open_record(by=gwen.actor, patient_id=anas.pk, purpose=Purpose.CARE, action=Action.EXPORT)
    assert whole.sections.private_hidden and not whole.sections.private
    assert "QZ" not in repr(whole.sections)
    assert "QZPREGNANT" in repr(vault.open_record(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE))


@pytest.mark.promise("P47")
def test_a_guardian_does_not_learn_whether_there_is_anything_private(
    as_: As, gwen: User, ana: User, anas: Patient, ben: User
) -> None:
    bens = person(ben, given="Ben", family="Tran")
    grant_open(by=ben.actor, patient_id=bens.pk, kind=GrantKind.GUARDIAN, account_id=gwen.pk)
    browser = as_(gwen)

    def shown(patient: Patient) -> str:
        text = browser.get(url(Section.PRIVATE, "section_of", patient)).content.decode()
        return text[text.index("<h1>"):text.index("</main>")]

    assert "Whether there are any answers" in shown(anas)
    assert shown(anas) == shown(bens)
    assert browser.get(url(Section.PRIVATE, "answers", anas)).status_code == 404
    assert browser.post(url(Section.PRIVATE, "section_checked", anas)).status_code == 404


@pytest.mark.promise("P47")
def test_a_guardian_can_do_nothing_to_what_is_private(as_: As, gwen: User, ana: User, anas: Patient) -> None:
    pill = Entry.objects.get(section=Section.MEDICATIONS, private=True)
    for page in ("entry", "entry_remove"):
        assert as_(gwen).get(reverse(f"records:{page}", args=[pill.pk])).status_code == 404
    for deed in (
        lambda: services.entry_remove(by=gwen.actor, entry_id=pill.pk, seen=services.version_of(pill)),
        lambda: services.entry_change(
            by=gwen.actor, entry_id=pill.pk, seen=services.version_of(pill), values=pill.value, private=False
        ),
        lambda: topics_save(
            by=gwen.actor, patient_id=anas.pk, section=Section.PRIVATE, answers={"mood": Said(text="x")}
        ),
    ):
        with pytest.raises(NotVisible):
            deed()
    services.entry_remove(by=ana.actor, entry_id=pill.pk, seen=services.version_of(pill))
    page = as_(gwen).get(url(Section.MEDICATIONS, "section_of", anas))
    assert not page.context["page"].removed
    (event,) = events(pgh_obj_id=pill.pk)
    restore = reverse("records:entry_restore", args=[anas.pk, event.pgh_id])
    assert as_(gwen).post(restore).status_code == 404


@pytest.mark.promise("P47")
def test_nothing_that_a_guardian_sees_moves_when_something_private_is_added(
    as_: As, guardian: User, ana: User, anas: Patient
) -> None:
    grant_open(by=ana.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    services.section_none(by=guardian.actor, patient_id=anas.pk, section=Section.MEDICATIONS)
    before = sections(guardian, anas)
    entry(ana, anas, Section.MEDICATIONS, name="QZPILL", kind="prescribed", status="taking", private=True)
    assert sections(guardian, anas) == before and before.stated_none == {"medications"}
    assert not sections(ana, anas).stated_none, "who sees the medicine does not read that there is none"
    services.section_none(by=guardian.actor, patient_id=anas.pk, section=Section.MEDICATIONS)
    assert sections(ana, anas).medications[0].name == "QZPILL"


def test_a_guardian_adds_and_changes_for_the_child(as_: As, gwen: User, anas: Patient) -> None:
    browser, add = as_(gwen), url(Section.ALLERGIES, "entry_add", anas)
    sent = form_of(browser, add, **GOOD[Section.ALLERGIES])
    assert "private" not in browser.get(add).context["form"].fields
    assert browser.post(add, {**sent, "private": "on"}).status_code == 302
    row = Entry.objects.get(section=Section.ALLERGIES, code="")
    assert row.private is False


def test_a_guardian_who_may_only_look_has_no_buttons(as_: As, ana: User, anas: Patient, guardian: User) -> None:
    row = allergy(ana, anas)
    grant_open(
        by=ana.actor, patient_id=anas.pk, kind=GrantKind.GUARDIAN, account_id=guardian.pk, scope=GrantScope.VIEW
    )
    browser = as_(guardian)
    text = browser.get(url(Section.ALLERGIES, "section_of", anas)).content.decode()
    assert "Penicillin" in text and "/add/" not in text and "Take out" not in text
    for page in (url(Section.ALLERGIES, "entry_add", anas), reverse("records:entry", args=[row.pk])):
        assert browser.get(page).status_code == 404
    assert browser.post(url(Section.CONDITIONS, "section_none", anas), {"none": "yes"}).status_code == 404


def test_a_patient_with_a_guardian_can_keep_an_entry_private(as_: As, gwen: User, ana: User, anas: Patient) -> None:
    browser, add = as_(ana), url(Section.CONDITIONS, "entry_add", anas)
    sent = form_of(browser, add, **GOOD[Section.CONDITIONS], private="on")
    browser.post(add, sent)
    assert sections(ana, anas).conditions[0].private
    assert not sections(gwen, anas).conditions


# -- the preview, the copy, the end -------------------------------------------------------------


@pytest.mark.promise("P21")
def test_the_preview_of_a_waiting_case_shows_only_what_makes_a_medicine_dangerous(
    clinician: User, other_clinician: User, ana: User, kept_anas: Kept
) -> None:
    patient = kept_anas.patient
    entry(ana, patient, Section.CONDITIONS, name="QZCONDITION", status="active")
    private_answers(ana, patient, mood="QZMOOD")
    identifier(ana, patient)
    allergy(ana, patient)
    grant_open(by=SYSTEM, patient_id=patient.pk, kind=GrantKind.QUEUE, role=Role.CLINICIAN, reference=uuid4())
    case = vault.open_case(by=other_clinician.actor, encounter_id=kept_anas.encounter.pk, purpose=Purpose.CARE)
    shown = case.sections
    assert shown.allergies and not (shown.conditions or shown.private or shown.identifiers or shown.history)
    mine = vault.open_case(by=clinician.actor, encounter_id=kept_anas.encounter.pk, purpose=Purpose.CARE).sections
    assert mine.conditions and mine.private and mine.identifiers
    number = Entry.objects.get(section=Section.IDENTIFIERS, code="")
    with pytest.raises(NotVisible):
        vault.reveal_identifier(by=other_clinician.actor, identifier_id=number.pk, purpose=Purpose.CARE)


@pytest.mark.promise("P31", "P05")
def test_the_copy_holds_every_section_and_the_archive_the_numbers_and_former_values(ana: User, anas: Patient) -> None:
    row = allergy(ana, anas)
    services.entry_change(
        by=ana.actor, entry_id=row.pk, seen=services.version_of(row), values={**row.value, "reaction": "QZNEW"}
    )
    private_answers(ana, anas, mood="QZMOOD")
    identifier(ana, anas, number="QX-777-314159")
    copy = repr(personal_data.export_for(Subject(anas.pk)))
    assert "QZNEW" in copy and "QZMOOD" in copy and "•••• 4159" in copy and "314159" not in copy
    archive = personal_data.archive_for(Subject(anas.pk))
    assert "QX-777-314159" in repr(archive["entries"])
    assert "hives" in repr(archive["former_values"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("P32", "P07", "P21")
def test_the_own_copy_holds_the_numbers_whole_and_says_so_in_the_log_and_a_guardians_does_not(
    gwen: User, ana: User, anas: Patient
) -> None:
    identifier(ana, anas, number="QX-777-314159")
    found = {}
    for user in (ana, gwen):
        with build_record_zip(by=user.actor, patient_id=anas.pk, purpose=Purpose.COMMUNICATING) as spool:
            copy = zipfile.ZipFile(io.BytesIO(spool.read()))
        pdf = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(copy.read("record.pdf"))).pages)
        found[user.pk] = ("QX-777-314159" in pdf, b"QX-777-314159" in copy.read("record.fhir.json"))
    assert found == {ana.pk: (True, True), gwen.pk: (False, False)}
    [row] = AccessEvent.objects.filter(action=Action.REVEAL)
    assert (row.actor_id, row.object_kind) == (ana.pk, "records.identifier")


@pytest.mark.promise("P39")
def test_erasure_leaves_no_entry_and_no_former_value(ana: User, anas: Patient) -> None:
    row = identifier(ana, anas)
    private_answers(ana, anas, mood="QZMOOD")
    services.entry_remove(by=ana.actor, entry_id=row.pk, seen=services.version_of(row))
    counts = personal_data.erase_for(Subject(anas.pk))
    assert counts["records.Entry"] >= 1 and counts["records.EntryEvent"] >= 1
    assert not Entry.objects.exists() and not events()


@pytest.mark.promise("P06", "P07", "P38")
def test_gender_is_part_of_who_one_is_and_keeps_its_history(as_: As, ana: User, anas: Patient) -> None:
    browser, contact = as_(ana), reverse("records:contact")
    for code in ("female", "other"):
        browser.post(contact, {"given_name": "Ana", "family_name": "Okafor", "gender": code})
    assert vault.open_patient(by=ana.actor, patient_id=anas.pk, purpose=Purpose.CARE).gender == "other"
    text = browser.get(contact).content.decode()
    assert "Gender" in text and "Female" in text and "Another gender" in text
    refused = browser.post(contact, {"given_name": "Ana", "family_name": "Okafor", "gender": "purple"})
    assert refused.status_code == 200 and "gender" in refused.context["form"].errors
    with connection.cursor() as cursor:
        cursor.execute("SELECT gender FROM records_patient WHERE id = %s", [anas.pk])
        assert "other" not in cursor.fetchone()[0]


def test_a_chosen_answer_can_be_taken_back(as_: As, ana: User, anas: Patient) -> None:
    browser, page = as_(ana), url(Section.PRIVATE, "answers", anas)
    browser.post(page, form_of(browser, page, **{"pregnancy-choice": "trying"}))
    assert [view.choice for view in sections(ana, anas).private] == ["trying"]
    browser.post(page, form_of(browser, page, **{"pregnancy-choice": ""}))
    assert not sections(ana, anas).private
    assert events(code="pregnancy")[0].value == {"choice": "trying"}
