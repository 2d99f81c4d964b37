"""Sections of a record: kept by the patient, with their history; numbers covered; private answers private."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import close_old_connections, connection
from django.db.utils import InternalError
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose, Role
from portal.subjects import Subject
from records import personal_data, vault
from records.access import grant_open
from records.changes import Basis
from records.history import services
from records.history.kinds import PARTS, TOPICS
from records.history.models import SHEET, Entry, Section
from records.history.topics import Said, topics_save
from records.people.models import GrantKind, GrantScope, Patient
from tests.records.building import Kept, allergy, broken, care, entry, filled, identifier, person, private_answers

pytestmark = pytest.mark.django_db
As = Callable[[User | None], Client]
LISTS = [Section.ALLERGIES, Section.MEDICATIONS, Section.CONDITIONS, Section.IDENTIFIERS]
GOOD: dict[Section, dict[str, str]] = {
    Section.ALLERGIES: {"substance": "Penicillin", "reaction": "hives", "severity": "severe"},
    Section.MEDICATIONS: {"name": "Doxycycline", "kind": "prescribed", "dose": "50 mg", "status": "taking"},
    Section.CONDITIONS: {"name": "Asthma", "since": "2011", "status": "active"},
    Section.IDENTIFIERS: {"kind": "drivers_license", "issuer": "Minnesota", "number": "K-123-456-789-012"},
}


@pytest.fixture
def anas(ana: User) -> Patient:
    return person(ana)


@pytest.fixture
def kept_anas(ana: User, anas: Patient, clinician: User) -> Kept:
    """Ana's record with one sent episode; ``clinician`` cares for her."""
    return filled(ana, clinician, patient=anas)


def sections(user: User, patient: Patient) -> vault.SectionsView:
    return vault.open_sections(by=user.actor, patient_id=patient.pk, purpose=Purpose.CARE)


def events(**which: Any) -> list[Any]:
    return list(apps.get_model("records", "EntryEvent")._default_manager.filter(**which).order_by("pgh_id"))


def url(section: Section, page: str = "section", patient: Patient | None = None) -> str:
    return reverse(f"records:{page}", args=[section] if patient is None else [patient.pk, section])


def form_of(client: Client, address: str, **typed: str) -> dict[str, str]:
    """What a browser would send: the form's own start values, and what was typed."""
    form = client.get(address).context["form"]
    start = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in (start | typed).items() if value not in (None, False)}


def test_each_section_has_its_parts_or_its_topics() -> None:
    for section in Section:
        assert bool(PARTS[section]) != bool(TOPICS.get(section)), section


# -- adding, changing, taking out ---------------------------------------------------------------


@pytest.mark.promise("P07", "P30")
@pytest.mark.parametrize("section", LISTS)
def test_a_patient_adds_changes_takes_out_and_puts_back(section: Section, as_: As, ana: User, anas: Patient) -> None:
    browser, add = as_(ana), url(section, "entry_add", anas)
    sent = form_of(browser, add, **GOOD[section])
    assert browser.post(add, sent)["Location"] == url(section)
    row = Entry.objects.get(section=section, code="")
    name = next(iter(GOOD[section])) if section != Section.IDENTIFIERS else "issuer"
    assert GOOD[section][name] in browser.get(url(section)).content.decode()

    change = reverse("records:entry", args=[row.pk])
    assert browser.post(change, form_of(browser, change, **{name: "Something else"})).status_code == 302
    assert "Something else" in browser.get(url(section)).content.decode()
    (before,) = events(pgh_obj_id=row.pk)
    assert before.value[name] == GOOD[section][name]
    assert before.pgh_context.metadata["basis"] == Basis.PATIENT_EDIT
    assert before.pgh_context.metadata["by"] == str(ana.pk)

    remove = reverse("records:entry_remove", args=[row.pk])
    assert browser.post(remove, form_of(browser, remove)).status_code == 302
    assert not Entry.objects.filter(pk=row.pk).exists()
    page = browser.get(url(section))
    (gone,) = page.context["page"].removed
    assert "Put back" in page.content.decode()
    back = reverse("records:entry_restore", args=[anas.pk, gone.event_id])
    for _press in range(2):
        assert browser.post(back).status_code == 302
    again = Entry.objects.get(pk=row.pk)
    assert again.value[name] == "Something else"
    if section == Section.IDENTIFIERS:
        assert again.number == "K-123-456-789-012"
    assert not browser.get(url(section)).context["page"].removed


@pytest.mark.promise("P38")
def test_each_deed_is_in_the_log_with_its_basis(ana: User, anas: Patient) -> None:
    row = allergy(ana, anas)
    services.entry_change(
        by=ana.actor, entry_id=row.pk, seen=services.version_of(row), values={**row.value, "severity": "mild"}
    )
    row.refresh_from_db()
    services.entry_remove(by=ana.actor, entry_id=row.pk, seen=services.version_of(row))
    deeds = AccessEvent.objects.filter(object_kind="records.entry", object_id=row.pk).order_by("number")
    assert [deed.action for deed in deeds] == [Action.CREATE, Action.CHANGE, Action.DELETE]
    assert {(deed.subject_id, deed.basis) for deed in deeds} == {(anas.pk, "change:patient_edit")}


@pytest.mark.promise("P38")
def test_a_clinician_who_cares_changes_on_the_basis_of_care(ana: User, anas: Patient, clinician: User) -> None:
    care(anas, clinician)
    row = allergy(clinician, anas)
    services.entry_change(
        by=clinician.actor, entry_id=row.pk, seen=services.version_of(row), values={**row.value, "reaction": "rash"}
    )
    (before,) = events(pgh_obj_id=row.pk)
    assert before.pgh_context.metadata["basis"] == Basis.CLINICAL_CARE
    assert sections(ana, anas).allergies[0].reaction == "rash"


@pytest.mark.promise("P38")
def test_a_change_without_a_basis_fails_in_the_database(ana: User, anas: Patient) -> None:
    row = allergy(ana, anas)
    from django.db import transaction

    for deed in (lambda: Entry.objects.filter(pk=row.pk).update(private=True), lambda: row.delete()):
        with pytest.raises((InternalError, Exception), match="pgh_context_id|null value"), transaction.atomic():
            deed()
    assert Entry.objects.get(pk=row.pk).private is False


@pytest.mark.promise("P21", "P07")
def test_nobody_else_reads_or_changes_a_section(
    as_: As, ana: User, anas: Patient, ben: User, guardian: User, clinician: User, other_clinician: User,
    support: User, officer: User, owner: User,
) -> None:
    person(ben, given="Ben", family="Tran")
    row, number = allergy(ana, anas), identifier(ana, anas)
    gone = allergy(ana, anas, substance="Latex")
    services.entry_remove(by=ana.actor, entry_id=gone.pk, seen=services.version_of(gone))
    (event,) = events(pgh_obj_id=gone.pk)
    read = [
        url(Section.ALLERGIES, "section_of", anas), url(Section.ALLERGIES, "entry_add", anas),
        url(Section.PRIVATE, "answers", anas), url(Section.PRIVATE, "section_of", anas),
        *(reverse(f"records:{page}", args=[row.pk]) for page in ("entry", "entry_remove")),
        reverse("records:entry_reveal", args=[number.pk]),
    ]
    deeds = [
        *read[1:2], *read[4:], url(Section.CONDITIONS, "section_none", anas),
        url(Section.CONDITIONS, "section_checked", anas), reverse("records:entry_restore", args=[anas.pk, event.pgh_id]),
    ]
    before = list(Entry.objects.order_by("pk").values_list("pk", "updated_at"))
    for stranger in (ben, guardian, clinician, other_clinician, support, officer, owner):
        for page in read:
            assert as_(stranger).get(page).status_code == 404, (stranger.role, page)
        for deed in deeds:
            assert as_(stranger).post(deed, GOOD[Section.ALLERGIES]).status_code == 404, (stranger.role, deed)
    assert list(Entry.objects.order_by("pk").values_list("pk", "updated_at")) == before
    for page in read:
        assert "login" in as_(None).get(page)["Location"]


def test_who_only_looks_in_an_emergency_or_from_the_queue_changes_nothing(
    ana: User, anas: Patient, other_clinician: User
) -> None:
    row = allergy(ana, anas)
    for kind, whom in ((GrantKind.BREAK_GLASS, {"account_id": other_clinician.pk}),
                       (GrantKind.QUEUE, {"role": Role.CLINICIAN})):
        grant_open(by=SYSTEM, patient_id=anas.pk, kind=kind, reference=uuid4(), **whom)
        with pytest.raises(NotVisible):
            services.entry_remove(by=other_clinician.actor, entry_id=row.pk, seen=services.version_of(row))
        with pytest.raises(NotVisible):
            services.section_none(by=other_clinician.actor, patient_id=anas.pk, section=Section.CONDITIONS)
    with pytest.raises(NotVisible):
        services.entry_remove(by=SYSTEM, entry_id=row.pk, seen=services.version_of(row))
    assert Entry.objects.filter(pk=row.pk).exists()


# -- none is a choice ---------------------------------------------------------------------------


@pytest.mark.promise("P07")
def test_none_is_a_choice_and_not_a_blank(as_: As, ana: User, anas: Patient) -> None:
    browser = as_(ana)
    assert "Nothing here yet" in browser.get(url(Section.ALLERGIES)).content.decode()
    assert not sections(ana, anas).stated_none
    for _press in range(5):
        browser.post(url(Section.ALLERGIES, "section_none", anas), {"none": "yes"})
    assert "You have none" in browser.get(url(Section.ALLERGIES)).content.decode()
    assert sections(ana, anas).stated_none == {"allergies"}
    assert Entry.objects.filter(code=SHEET).count() == 1
    allergy(ana, anas)
    assert not sections(ana, anas).stated_none
    answer = browser.post(url(Section.ALLERGIES, "section_none", anas), {"none": "yes"}, follow=True)
    assert "Remove them first" in answer.content.decode()
    assert len(sections(ana, anas).allergies) == 1 and not sections(ana, anas).stated_none


def test_none_can_be_taken_back_and_keeps_its_history(as_: As, ana: User, anas: Patient) -> None:
    browser, none = as_(ana), url(Section.CONDITIONS, "section_none", anas)
    browser.post(none, {"none": "yes"})
    browser.post(none, {"none": "no"})
    assert not sections(ana, anas).stated_none
    assert [event.value for event in events(code=SHEET)] == [{"none": False}, {"none": True}]


@pytest.mark.parametrize("section", [Section.IDENTIFIERS, Section.HISTORY, Section.PRIVATE])
def test_none_is_not_said_where_it_means_nothing(section: Section, ana: User, anas: Patient) -> None:
    with pytest.raises(NotVisible):
        services.section_none(by=ana.actor, patient_id=anas.pk, section=section)


def test_looking_through_a_section_is_noted(as_: As, ana: User, anas: Patient) -> None:
    row = allergy(ana, anas)
    before = sections(ana, anas).checked_at["allergies"]
    page = as_(ana).post(url(Section.ALLERGIES, "section_checked", anas), follow=True)
    assert "looked through it today" in page.content.decode()
    assert sections(ana, anas).checked_at["allergies"] > before
    assert Entry.objects.get(pk=row.pk).updated_at == row.updated_at and not events(pgh_obj_id=row.pk)


# -- what is typed ------------------------------------------------------------------------------

NONSENSE = [
    (Section.ALLERGIES, {"substance": " \u202e "}, "substance", "fill this in"),
    (Section.ALLERGIES, {"substance": "x" * 201}, "substance", "at most 200"),
    (Section.ALLERGIES, {"reaction": "y" * 201}, "reaction", "at most 200"),
    (Section.ALLERGIES, {"severity": "deadly"}, "severity", "choose one"),
    (Section.ALLERGIES, {"note": "z" * 1001}, "note", "at most 1000"),
    (Section.MEDICATIONS, {"name": ""}, "name", "fill this in"),
    (Section.MEDICATIONS, {"kind": ""}, "kind", "choose an answer"),
    (Section.MEDICATIONS, {"kind": "stolen"}, "kind", "choose one"),
    (Section.MEDICATIONS, {"status": "maybe"}, "status", "choose one"),
    (Section.MEDICATIONS, {"dose": "d" * 201}, "dose", "at most 200"),
    (Section.MEDICATIONS, {"how": "h" * 201}, "how", "at most 200"),
    (Section.MEDICATIONS, {"since": "s" * 201}, "since", "at most 200"),
    (Section.MEDICATIONS, {"reason": "r" * 1001}, "reason", "at most 1000"),
    (Section.CONDITIONS, {"name": "\t"}, "name", "fill this in"),
    (Section.CONDITIONS, {"status": "x"}, "status", "choose one"),
    (Section.CONDITIONS, {"note": "n" * 1001}, "note", "at most 1000"),
    (Section.IDENTIFIERS, {"number": ""}, "number", "whole number"),
    (Section.IDENTIFIERS, {"number": "-- 1 --"}, "number", "at least 4"),
    (Section.IDENTIFIERS, {"number": "9" * 61}, "number", "at most 60"),
    (Section.IDENTIFIERS, {"kind": "passport"}, "kind", "choose one"),
    (Section.IDENTIFIERS, {"issuer": "i" * 201}, "issuer", "at most 200"),
]


@pytest.mark.promise("P07")
@pytest.mark.parametrize(("section", "typed", "field", "words"), NONSENSE)
def test_nonsense_is_refused_with_a_sentence_and_what_was_typed_stays(
    section: Section, typed: dict[str, str], field: str, words: str, as_: As, ana: User, anas: Patient
) -> None:
    browser, add = as_(ana), url(section, "entry_add", anas)
    page = browser.post(add, form_of(browser, add, **(GOOD[section] | typed)))
    assert page.status_code == 200
    assert words in str(page.context["form"].errors[field])
    text = page.content.decode()
    others = {name: value for name, value in GOOD[section].items() if name not in typed}
    assert all(value in text for value in others.values())
    assert typed[field].strip() in text or field in ("severity", "kind", "status")
    assert not Entry.objects.filter(code="").exists()


@pytest.mark.parametrize("words", ["부산 알레르기", "пенициллин", "<script>alert(1)</script>", "👩🏽 O’Neil & Sons", "=1+1"])
def test_any_words_are_words(words: str, as_: As, ana: User, anas: Patient) -> None:
    browser, add = as_(ana), url(Section.ALLERGIES, "entry_add", anas)
    browser.post(add, form_of(browser, add, substance=words, severity="mild"))
    assert sections(ana, anas).allergies[0].substance == words
    text = browser.get(url(Section.ALLERGIES)).content.decode()
    assert "<script>alert" not in text


def test_five_presses_add_one_entry(as_: As, ana: User, anas: Patient) -> None:
    browser, add = as_(ana), url(Section.ALLERGIES, "entry_add", anas)
    sent = form_of(browser, add, **GOOD[Section.ALLERGIES])
    assert {browser.post(add, sent).status_code for _press in range(5)} == {302}
    row = Entry.objects.get(code="")
    services.entry_remove(by=ana.actor, entry_id=row.pk, seen=services.version_of(row))
    late = browser.post(add, sent)
    assert "added and removed" in late.content.decode() and not Entry.objects.filter(code="").exists()


@pytest.mark.django_db(transaction=True)
def test_five_presses_at_once_add_one_entry(ana: User) -> None:
    patient, key, found = person(ana), uuid4(), []

    def press() -> None:
        try:
            found.append(allergy(ana, patient, form_key=key).pk)
        finally:
            close_old_connections()
            connection.close()

    presses = [threading.Thread(target=press) for _press in range(5)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()
    assert len(found) == 5 and len(set(found)) == 1 and Entry.objects.filter(code="").count() == 1


def test_a_key_of_another_form_makes_nothing(ana: User, anas: Patient, ben: User) -> None:
    bens, key = person(ben, given="Ben", family="Tran"), uuid4()
    allergy(ana, anas, form_key=key)
    with pytest.raises(NotVisible):
        allergy(ben, bens, form_key=key)
    assert Entry.objects.filter(patient=bens, code="").count() == 0


def test_there_is_an_end_to_entries(ana: User, anas: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST", 2)
    allergy(ana, anas)
    with pytest.raises(DomainError, match="too_many"):
        allergy(ana, anas)


# -- two windows --------------------------------------------------------------------------------


@pytest.mark.promise("P38")
def test_an_older_window_does_not_overwrite_a_newer_one(as_: As, ana: User, anas: Patient) -> None:
    row, browser = allergy(ana, anas), as_(ana)
    page = reverse("records:entry", args=[row.pk])
    old = form_of(browser, page, substance="Amoxicillin")
    browser.post(page, form_of(browser, page, reaction="swelling of the face"))
    answer = browser.post(page, old)
    text = answer.content.decode()
    assert answer.status_code == 200 and "changed meanwhile" in text
    assert "swelling of the face" in text and 'value="Amoxicillin"' in text
    assert Entry.objects.get(pk=row.pk).value["substance"] == "Penicillin"
    form = answer.context["form"]
    again = {name: str(form[name].value()) for name in form.fields if form[name].value() is not None}
    assert browser.post(page, again).status_code == 302
    assert Entry.objects.get(pk=row.pk).value["substance"] == "Amoxicillin"


def test_what_changed_meanwhile_is_not_taken_out_unseen(as_: As, ana: User, anas: Patient) -> None:
    row, browser = allergy(ana, anas), as_(ana)
    page = reverse("records:entry_remove", args=[row.pk])
    old = form_of(browser, page)
    change = reverse("records:entry", args=[row.pk])
    browser.post(change, form_of(browser, change, reaction="swelling"))
    answer = browser.post(page, old)
    assert answer.status_code == 200 and "changed meanwhile" in answer.content.decode()
    assert browser.post(page, {"seen": answer.context["form"]["seen"].value()}).status_code == 302


def test_the_same_again_changes_nothing(as_: As, ana: User, anas: Patient) -> None:
    row, browser = identifier(ana, anas), as_(ana)
    page = reverse("records:entry", args=[row.pk])
    browser.post(page, form_of(browser, page))
    assert not events(pgh_obj_id=row.pk)
    assert Entry.objects.get(pk=row.pk).updated_at == row.updated_at


@pytest.mark.promise("P17")
def test_what_cannot_be_read_is_never_saved_over(as_: As, ana: User, anas: Patient) -> None:
    row, whole = allergy(ana, anas), allergy(ana, anas, substance="Latex")
    broken(Entry, "value", pk=row.pk)
    browser = as_(ana)
    text = browser.get(url(Section.ALLERGIES)).content.decode()
    assert "cannot be read" in text and "Latex" in text and "gAAAA" not in text
    page = reverse("records:entry", args=[row.pk])
    assert "cannot be changed" in browser.get(page).content.decode()
    row.refresh_from_db()
    with pytest.raises(DomainError, match="unreadable"):
        services.entry_change(
            by=ana.actor, entry_id=row.pk, seen=services.version_of(row), values=GOOD[Section.ALLERGIES]
        )
    services.entry_remove(by=ana.actor, entry_id=row.pk, seen=services.version_of(row))
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM records_entryevent WHERE pgh_obj_id = %s", [row.pk])
        assert cursor.fetchone()[0] == "gAAAAABnotatoken", "the history keeps even what cannot be read"
    assert Entry.objects.filter(pk=whole.pk).exists()


@pytest.mark.promise("P17")
def test_a_number_that_cannot_be_read_stays_until_it_is_typed_anew(as_: As, ana: User, anas: Patient) -> None:
    row, browser = identifier(ana, anas), as_(ana)
    broken(Entry, "number", pk=row.pk)
    page = reverse("records:entry", args=[row.pk])
    browser.post(page, form_of(browser, page, issuer="Wisconsin"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM records_entry WHERE id = %s", [row.pk])
        assert cursor.fetchone()[0] == "gAAAAABnotatoken"
    show = reverse("records:entry_reveal", args=[row.pk])
    assert "cannot be read" in browser.post(show, form_of(browser, show)).content.decode()
    browser.post(page, form_of(browser, page, number="W-999-8888"))
    assert Entry.objects.get(pk=row.pk).number == "W-999-8888"


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
        assert "QZ" not in text, page
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
