"""B 19: a person who came twice becomes one person, with both histories, one sign-in, and nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from billing.models import Order
from consults.models import Consult
from consults.state import ConsultState
from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.audit.services import verify_row
from portal.errors import DomainError, NotVisible
from portal.evidence.models import Evidence
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose, Role
from portal.subjects import Subject
from privacy import ledger, merging
from privacy.archive import archive_encounter
from privacy.dossier import MODULES, erase_all, subject_of
from privacy.looks.selectors import who_looked_lines
from privacy.models import ArchiveCopy, ArchiveReason, RequestKind, RightsRequest
from records import vault
from records.access import accounts_of, grant_open, patients_of
from records.history.models import SHEET, Entry, Section
from records.models import AccessGrant, Encounter, GrantKind, Merge, Patient, SearchToken, ToldApart
from records.people.merge import NOT_MOVED, tables
from records.people.public_id import public_id_shown
from records.people.search import current_id, find, subject_ids
from records.people.search_same import likely_same, tell_apart
from records.people.services import patient_update
from tests.conftest import account
from tests.consults import building
from tests.privacy.building import ask
from tests.records.test_erasure_leaves_nothing import rows_naming

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P38")]
# Where the old id may stand after a merge, and nowhere else.
KEEPS_OLD_ID = {"audit_accessevent", "records_merge", "records_patientevent", "audit_auditdigest"}


class Twice:
    """One person with two records: ``old`` is Ben's account, ``new`` Ana's."""

    def __init__(self, ana: User, ben: User, clinician: User) -> None:
        self.ana, self.ben, self.clinician = ana, ben, clinician
        self.kept = building.answered(ana, clinician)
        self.gone = building.answered(ben, clinician, building.person(ben, given="Anna", family="Okafor"))
        self.new: UUID = self.kept.patient_id
        self.old: UUID = self.gone.patient_id
        self.number = Patient.objects.get(pk=self.old).public_id

    def merge(self, officer: User, **more: Any) -> Merge:
        told = {"typed": public_id_shown(self.number), "reason": "She called from the same phone.", **more}
        return merging.records_merge(by=officer.actor, old_id=self.old, new_id=self.new, **told)


@pytest.fixture
def twice(ana: User, ben: User, clinician: User) -> Twice:
    return Twice(ana, ben, clinician)


def test_everything_of_both_stands_in_the_surviving_record(twice: Twice, officer: User) -> None:
    before = {
        table: table._default_manager.filter(patient_id__in=(twice.old, twice.new)).count()
        for table in tables() if table.__name__ != "Entry"
    }
    orders = set(Order.objects.values_list("pk", flat=True))
    twice.merge(officer)
    assert not Patient.objects.filter(pk=twice.old).exists()
    after = {table: table._default_manager.filter(patient_id=twice.new).count() for table in before}
    assert after == before
    seen = vault.open_record(by=twice.ana.actor, patient_id=twice.new, purpose=Purpose.CARE)
    assert {encounter.id for encounter in seen.encounters} == {twice.kept.encounter_id, twice.gone.encounter_id}
    for encounter in seen.encounters:
        assert encounter.answers and encounter.photos and encounter.plan is not None
        assert "cannot be read" not in str(encounter.plan.letter)
    mine = Order.objects.filter(subject_id=twice.new, account_id=twice.ana.pk)
    assert set(mine.values_list("pk", flat=True)) == orders
    assert set(Consult.objects.values_list("patient_id", "account_id")) == {(twice.new, twice.ana.pk)}


@pytest.mark.promise("P05")
def test_the_old_id_stands_only_where_history_is_never_rewritten(twice: Twice, officer: User) -> None:
    ask(twice.ben, Patient.objects.get(pk=twice.old), RequestKind.ACCESS)
    RightsRequest.objects.update(state="completed", ended_at=timezone.now())
    archive_encounter(encounter=twice.gone.encounter, reason=ArchiveReason.NIGHTLY)
    patient_update(by=twice.ben.actor, patient_id=twice.old, phone="320 555 0100")
    assert len(rows_naming(twice.old)) > 12
    twice.merge(officer)
    left = set(rows_naming(twice.old))
    assert left <= KEEPS_OLD_ID, left - KEEPS_OLD_ID
    assert ArchiveCopy.objects.filter(subject_id=twice.new).exists()


def test_every_column_that_names_a_person_is_moved_or_keeps_the_old_id_for_a_reason() -> None:
    """A table that nobody thought of fails here, not at the first merge."""
    settled = {f"{table._meta.label}.patient" for table in tables()}
    settled |= {f"{table._meta.label}.patient" for table in NOT_MOVED}
    settled |= {"records.ToldApart.first", "records.ToldApart.second", "consults.Consult.patient"}
    settled |= {
        f"{label}.subject_id"
        for label in (
            "privacy.RightsRequest", "privacy.RecordCopy", "privacy.LookReport", "privacy.ArchiveCopy",
            "privacy.LegalHold", "privacy.LegalProcess", "privacy.AccountingStatement", "privacy.Denial",
            "privacy.Letter", "privacy.FeeQuote", "privacy.PrintCopy", "privacy.Affected", "privacy.HandoverPerson",
            "billing.Order", "jobs.Job", "outbox.OutgoingMail", "audit.AccessEvent",
        )
    }
    settled |= {
        f"{label}.{column}" for module in MODULES.values()
        for label in getattr(module, "UNDER_THE_OLD_ID", {}) for column in ("subject_id", "pgh_obj")
    }
    found = {
        f"{model._meta.label}.{column.name}"
        for model in apps.get_models() if not model.__module__.startswith("tests.")
        for column in model._meta.concrete_fields if _names_a_person(model, column)
    }
    assert found - settled == set()


def _names_a_person(model: type[models.Model], column: models.Field[Any, Any]) -> bool:
    if model._meta.label == "records.PatientEvent":
        return column.name == "pgh_obj"
    own_history = column.name in {"pgh_obj", "id"}
    return (column.related_model is Patient and not own_history) or column.name in {"subject_id", "patient_id"}


@pytest.mark.promise("P21")
def test_who_looked_and_what_changed_tell_of_both_records(twice: Twice, officer: User) -> None:
    patient_update(by=twice.ben.actor, patient_id=twice.old, phone="320 555 0100")
    looks = sum(1 for _line in who_looked_lines(twice.old)) + sum(1 for _line in who_looked_lines(twice.new))
    twice.merge(officer)
    assert sum(1 for _line in who_looked_lines(twice.new)) == looks
    assert all(verify_row(row) for row in AccessEvent.objects.all())
    page = vault.open_changes(by=twice.ana.actor, patient_id=twice.new, purpose=Purpose.CARE)
    told = {(line.what, line.old, line.new, str(line.basis)) for line in page.lines}
    assert any(old.startswith("Anna") and new.startswith("Ana") and "error" in why for _w, old, new, why in told), told
    assert any(new == "320 555 0100" for _what, _old, new, _why in told)


def test_one_sign_in_survives_and_both_addresses_are_told(twice: Twice, officer: User, as_: Callable[..., Any]) -> None:
    browser = as_(twice.ben)
    assert browser.get("/record/").status_code == 200
    twice.merge(officer)
    twice.ben.refresh_from_db()
    assert twice.ben.closed_at is not None and not twice.ben.is_active
    assert accounts_of(twice.new) == [twice.ana.pk] and patients_of(twice.ben.pk) == []
    assert browser.get("/record/").status_code == 302
    mails = OutgoingMail.objects.filter(kind__startswith="account.merged")
    assert dict(mails.values_list("kind", "account_id")) == {
        "account.merged_closed": twice.ben.pk, "account.merged_kept": twice.ana.pk,
    }
    assert not any(twice.ana.email in str(row.secret) or twice.ben.email in str(row.secret) for row in mails)
    assert subject_of(twice.new).account_ids == tuple(sorted((twice.ana.pk, twice.ben.pk)))


def test_parents_keep_their_access_and_their_other_children(twice: Twice, guardian: User, officer: User) -> None:
    child = building.person(_another("Cleo"), given="Cleo", family="Okafor")
    grant_open(by=officer.actor, patient_id=twice.old, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    grant_open(by=officer.actor, patient_id=twice.new, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    grant_open(by=officer.actor, patient_id=child.pk, kind=GrantKind.GUARDIAN, account_id=twice.ben.pk)
    twice.merge(officer)
    assert patients_of(guardian.pk) == [twice.new]
    assert patients_of(twice.ana.pk) == [twice.new, child.pk]
    assert AccessGrant.objects.filter(patient_id=twice.new, account_id=guardian.pk, ends_at=None).count() == 1


def test_a_record_without_a_sign_in_takes_over_the_others(twice: Twice, officer: User) -> None:
    AccessGrant.objects.filter(patient_id=twice.new, kind=GrantKind.SELF).delete()
    plan = merging.merge_preview(by=officer.actor, old_id=twice.old, new_id=twice.new)
    assert (plan.survivor, plan.accounts_closed) == (None, 0)
    twice.merge(officer)
    assert accounts_of(twice.new) == [twice.ben.pk]
    assert User.objects.get(pk=twice.ben.pk).is_active


def test_the_dry_run_tells_what_will_happen_and_changes_nothing(twice: Twice, officer: User) -> None:
    before = _dump()
    plan = merging.merge_preview(by=officer.actor, old_id=twice.old, new_id=twice.new)
    assert _dump() == before
    assert plan.stops == () and plan.accounts_closed == 1 and plan.moved["records.Photo"] >= 3
    merge = twice.merge(officer)
    assert merge.counts == dict(plan.moved)
    kept = Evidence.objects.get(kind=merging.EVIDENCE)
    assert kept.facts == {"rows": sum(plan.moved.values()), "accounts_closed": 1}


def _dump() -> dict[str, str | None]:
    with connection.cursor() as cursor:
        names = sorted(set(connection.introspection.table_names(cursor)) - {"portal_cache"})
        found = {}
        for name in names:
            cursor.execute(f'SELECT md5(string_agg(row::text, chr(10) ORDER BY row::text)) FROM "{name}" AS row')
            found[name] = cursor.fetchone()[0]
    return found


def test_two_unsent_consults_leave_the_one_of_the_surviving_record(ana: User, ben: User, officer: User) -> None:
    kept, gone = building.ready(ana), building.ready(ben, building.person(ben, given="Ana", family="Okafor"))
    number = Patient.objects.get(pk=gone.patient_id).public_id
    plan = merging.merge_preview(by=officer.actor, old_id=gone.patient_id, new_id=kept.patient_id)
    assert plan.drafts_removed == 1
    merging.records_merge(
        by=officer.actor, old_id=gone.patient_id, new_id=kept.patient_id, typed=number, reason="One person."
    )
    states = dict(Consult.objects.values_list("pk", "state"))
    assert states == {kept.pk: ConsultState.DRAFT, gone.pk: ConsultState.WITHDRAWN}


def test_of_two_answers_the_younger_stands_and_the_other_is_history(twice: Twice, officer: User) -> None:
    for patient_id, words in ((twice.new, "in the first"), (twice.old, "in the second")):
        Entry.objects.create(patient_id=patient_id, section=Section.HISTORY, code="surgery", value={"text": words})
    Entry.objects.create(patient_id=twice.new, section=Section.ALLERGIES, code=SHEET, value={"none": True})
    Entry.objects.create(patient_id=twice.old, section=Section.ALLERGIES, value={"substance": "penicillin"})
    twice.merge(officer)
    (answer,) = Entry.objects.filter(patient_id=twice.new, section=Section.HISTORY, code="surgery")
    assert answer.value["text"] == "in the second"
    events = apps.get_model("records", "EntryEvent")
    assert "in the first" in {row.value.get("text") for row in events._default_manager.filter(patient_id=twice.new)}
    sheet = Entry.objects.get(patient_id=twice.new, section=Section.ALLERGIES, code=SHEET)
    assert sheet.value == {"none": False}


def test_the_old_number_and_the_old_name_still_lead_to_the_person(twice: Twice, officer: User) -> None:
    third = building.person(_another("Dora"), given="Dora", family="Okafor")
    twice.merge(officer)
    assert find(public_id_shown(twice.number)).ids == (twice.new,)
    newest = Patient.objects.get(pk=twice.new).public_id
    merging.records_merge(by=officer.actor, old_id=twice.new, new_id=third.pk, typed=newest, reason="Once more.")
    assert find(twice.number).ids == find(newest).ids == (third.pk,)
    assert subject_ids(third.pk) == [third.pk, twice.new, twice.old] and current_id(twice.old) == third.pk
    assert not SearchToken.objects.exclude(patient_id__in=Patient.objects.values("pk")).exists()


def test_told_apart_from_a_third_stays_told_apart(twice: Twice, officer: User) -> None:
    other = Patient.objects.create(given_name="Anna", family_name="Okafor", birth_date=_born(twice.old))
    tell_apart(by=officer.actor, one=twice.old, other=other.pk, purpose=Purpose.LEGAL_DUTY)
    tell_apart(by=officer.actor, one=twice.old, other=twice.new, purpose=Purpose.LEGAL_DUTY)
    twice.merge(officer)
    note = ToldApart.objects.get()
    assert {note.first_id, note.second_id} == {twice.new, other.pk}
    assert likely_same([twice.new, other.pk]) == []


@pytest.mark.parametrize("turned", [False, True])
def test_two_merges_at_once_end_as_one(twice: Twice, officer: User, turned: bool) -> None:
    numbers = dict(Patient.objects.values_list("pk", "public_id"))
    pairs = [(twice.old, twice.new), (twice.new, twice.old) if turned else (twice.old, twice.new)]
    start, ends = threading.Barrier(2), []

    def press(old: UUID, new: UUID) -> None:
        start.wait()
        try:
            merging.records_merge(by=officer.actor, old_id=old, new_id=new, typed=numbers[old], reason="One person.")
            ends.append("done")
        except DomainError as error:
            ends.append(error.code)
        finally:
            connection.close()

    pressed = [threading.Thread(target=press, args=pair) for pair in pairs]
    for one in pressed:
        one.start()
    for one in pressed:
        one.join(30)
    assert sorted(ends) == ["done", "merged_already"]
    assert Patient.objects.filter(pk__in=(twice.old, twice.new)).count() == Merge.objects.count() == 1
    assert Encounter.objects.values("patient_id").distinct().count() == 1


def test_a_merge_that_breaks_in_the_middle_leaves_both_records_whole(
    twice: Twice, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _dump()
    monkeypatch.setattr("portal.outbox.personal_data.merge_for", lambda _old, _new: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        twice.merge(officer)
    assert _dump() == before


@pytest.mark.parametrize(
    ("more", "code"),
    [({"typed": "K7Q2-M4XD"}, "wrong_number"), ({"typed": ""}, "wrong_number"), ({"reason": "  "}, "reason_missing")],
)
def test_a_slip_changes_nothing(twice: Twice, officer: User, more: dict[str, str], code: str) -> None:
    with pytest.raises(DomainError) as stop:
        twice.merge(officer, **more)
    assert stop.value.code == code and not Merge.objects.exists()


def test_what_is_asked_for_is_answered_first(twice: Twice, officer: User) -> None:
    ask(twice.ben, Patient.objects.get(pk=twice.old), RequestKind.DELETION)
    plan = merging.merge_preview(by=officer.actor, old_id=twice.old, new_id=twice.new)
    assert len(plan.stops) == 1 and "deletion" in plan.stops[0]
    with pytest.raises(DomainError) as stop:
        twice.merge(officer)
    assert stop.value.code == "not_now"


@pytest.mark.promise("P21")
def test_only_the_officer_merges(twice: Twice, clinician: User, support: User, owner: User, ana: User) -> None:
    for nobody in (clinician, support, owner, ana):
        with pytest.raises(NotVisible):
            twice.merge(nobody)
        with pytest.raises(NotVisible):
            merging.merge_preview(by=nobody.actor, old_id=twice.old, new_id=twice.new)
    assert not Merge.objects.exists()


def test_one_record_is_not_merged_with_itself_or_with_nobody(twice: Twice, officer: User) -> None:
    with pytest.raises(DomainError):
        merging.merge_preview(by=officer.actor, old_id=twice.old, new_id=twice.old)
    with pytest.raises(NotVisible):
        merging.merge_preview(by=officer.actor, old_id=uuid4(), new_id=twice.new)


def test_the_reason_is_sealed_and_the_log_names_both_ids(twice: Twice, officer: User) -> None:
    merge = twice.merge(officer)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row::text FROM records_merge AS row")
        assert "same phone" not in cursor.fetchone()[0]
    assert Merge.objects.get().reason == "She called from the same phone."
    logged = AccessEvent.objects.filter(action=Action.MERGE, object_id=merge.pk)
    assert set(logged.values_list("subject_id", flat=True)) == {twice.old, twice.new}


@pytest.mark.promise("P39")
def test_erasing_the_merged_person_erases_both_ids(twice: Twice, officer: User) -> None:
    twice.merge(officer)
    subject = subject_of(twice.new)
    ledger.erasure_put(uuid4(), subject)
    assert subject.former_ids == (twice.old,)
    erase_all(subject)
    for ident in subject.ids:
        assert set(rows_naming(ident)) <= {"audit_accessevent", "billing_order", "audit_auditdigest"}


@pytest.mark.promise("P39")
def test_a_backup_from_before_the_merge_is_erased_under_both_ids(twice: Twice) -> None:
    """The ledger knows both; the restored database holds two people again."""
    erase_all(Subject(twice.new, (twice.ana.pk, twice.ben.pk), (twice.old,)))
    assert not Patient.objects.filter(pk__in=(twice.old, twice.new)).exists()
    assert not Consult.objects.exists() and not User.objects.filter(pk__in=(twice.ana.pk, twice.ben.pk)).exists()


def test_what_was_written_in_the_moment_of_the_merge_follows(twice: Twice, officer: User) -> None:
    twice.merge(officer)
    order = Order.objects.first()
    assert order is not None
    Order.objects.filter(pk=order.pk).update(subject_id=twice.old)
    assert merging.late_rows_move() == 1
    assert not Order.objects.exclude(subject_id=twice.new).exists() and merging.late_rows_move() == 0


def _born(patient_id: UUID) -> Any:
    return Patient.objects.get(pk=patient_id).birth_date


def _another(name: str) -> User:
    return account(f"{name.lower()}@example.org", Role.PATIENT, name)


def _page(twice: Twice) -> str:
    return f"/admin/patients/{twice.old}/into/{twice.new}/"


def test_the_officer_sees_both_what_will_happen_and_is_asked_once_more(
    twice: Twice, officer: User, as_: Callable[..., Any]
) -> None:
    browser = as_(officer)
    text = browser.get(_page(twice)).content.decode()
    assert "Anna Okafor" in text and "Ana Okafor" in text and public_id_shown(twice.number) in text
    assert twice.ben.email in text and twice.ana.email in text
    assert f"/admin/patients/{twice.new}/into/{twice.old}/" in text and "There is no way back" in text
    wrong = browser.post(_page(twice), {"typed": "K7Q2-M4XD", "reason": "One person."})
    assert wrong.status_code == 200 and "not the number of the record" in wrong.content.decode()
    done = browser.post(_page(twice), {"typed": public_id_shown(twice.number).lower(), "reason": "One person."})
    assert done.status_code == 302 and Merge.objects.count() == 1
    again = browser.post(_page(twice), {"typed": twice.number, "reason": "One person."}, follow=True)
    assert "has been merged meanwhile" in again.content.decode() and Merge.objects.count() == 1
