"""Sections of a record: kept by the patient, with their history; numbers covered; private answers private."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import close_old_connections, connection
from django.db.utils import InternalError
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.errors import DomainError, NotVisible
from portal.permissions import Role
from records.access import grant_open
from records.changes import Basis
from records.history import services
from records.history.kinds import PARTS, TOPICS
from records.history.models import SHEET, Entry, Section
from records.people.models import GrantKind, Patient
from tests.records.building import allergy, broken, care, identifier, person
from tests.records.section_steps import GOOD, LISTS, As, anas, events, form_of, kept_anas, sections, url

__all__ = ["anas", "kept_anas"]  # fixtures
pytestmark = pytest.mark.django_db


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
        with pytest.raises((InternalError, Exception), match=r"pgh_context_id|null value"), transaction.atomic():
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
        url(Section.CONDITIONS, "section_checked", anas),
        reverse("records:entry_restore", args=[anas.pk, event.pgh_id]),
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
    (Section.ALLERGIES, {"substance": " \u202e "}, "substance", "fill in: "),
    (Section.ALLERGIES, {"substance": "x" * 201}, "substance", "at most 200"),
    (Section.ALLERGIES, {"reaction": "y" * 201}, "reaction", "at most 200"),
    (Section.ALLERGIES, {"severity": "deadly"}, "severity", "choose one"),
    (Section.ALLERGIES, {"note": "z" * 1001}, "note", "at most 1000"),
    (Section.MEDICATIONS, {"name": ""}, "name", "fill in: "),
    (Section.MEDICATIONS, {"kind": ""}, "kind", "choose an answer: "),
    (Section.MEDICATIONS, {"kind": "stolen"}, "kind", "choose one"),
    (Section.MEDICATIONS, {"status": "maybe"}, "status", "choose one"),
    (Section.MEDICATIONS, {"dose": "d" * 201}, "dose", "at most 200"),
    (Section.MEDICATIONS, {"how": "h" * 201}, "how", "at most 200"),
    (Section.MEDICATIONS, {"since": "s" * 201}, "since", "at most 200"),
    (Section.MEDICATIONS, {"reason": "r" * 1001}, "reason", "at most 1000"),
    (Section.CONDITIONS, {"name": "\t"}, "name", "fill in: "),
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


@pytest.mark.parametrize(
    "words", ["부산 알레르기", "пенициллин", "<script>alert(1)</script>", "👩🏽 O’Neil & Sons", "=1+1"]
)
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
