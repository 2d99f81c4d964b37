"""Breaking the glass: a reason, thirty minutes, an alert, a review, and the patient sees it (RULES 2.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine as clock
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.context import SYSTEM
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import MailContext, mail_of
from portal.permissions import Purpose
from records import vault
from records.access import grant_open, may_open
from records.emergency import selectors
from records.emergency.models import Emergency, EmergencyReason, ReviewDecision
from records.emergency.services import emergency_end, emergency_open, emergency_review
from records.people.models import GrantKind
from tests.privacy.test_pages import page, text
from tests.records.building import Kept, broken

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P21")]
As = Callable[..., Client]
WORDS = "He called, short of breath; ZQX-glass."


def opened(by: User, kept: Kept, **more: Any) -> Emergency:
    return emergency_open(**{
        "by": by.actor, "patient_id": kept.id, "reason": EmergencyReason.DANGER, "words": WORDS,
        "form_key": uuid4(), **more,
    })


def opens(by: User, kept: Kept) -> bool:
    try:
        return bool(vault.open_record(by=by.actor, patient_id=kept.id, purpose=Purpose.CARE))
    except NotVisible:
        return False


# --- Opening and closing -------------------------------------------------------------------------------------


def test_the_whole_record_opens_for_thirty_minutes_and_not_a_second_longer(anas: Kept, other_clinician: User) -> None:
    assert settings.EMERGENCY_MINUTES == 30
    assert not opens(other_clinician, anas)
    row = opened(other_clinician, anas)
    assert opens(other_clinician, anas)
    assert may_open(by=other_clinician.actor, patient_id=anas.id, purpose=Purpose.CARE) is GrantKind.BREAK_GLASS
    with clock.travel(row.opened_at + dt.timedelta(minutes=29, seconds=59), tick=False):
        assert opens(other_clinician, anas)
    with clock.travel(row.opened_at + dt.timedelta(minutes=30), tick=False):
        assert not opens(other_clinician, anas)


def test_it_opens_to_this_clinician_only(anas: Kept, other_clinician: User, officer: User, owner: User) -> None:
    opened(other_clinician, anas)
    assert not any(opens(user, anas) for user in (officer, owner))


def test_it_can_be_closed_early_and_closing_twice_changes_nothing(anas: Kept, other_clinician: User) -> None:
    row = opened(other_clinician, anas)
    first = emergency_end(by=other_clinician.actor, emergency_id=row.pk).ends_at
    assert not opens(other_clinician, anas)
    assert emergency_end(by=other_clinician.actor, emergency_id=row.pk).ends_at == first


def test_nobody_else_closes_it(anas: Kept, clinician: User, other_clinician: User) -> None:
    row = opened(other_clinician, anas)
    with pytest.raises(NotVisible):
        emergency_end(by=clinician.actor, emergency_id=row.pk)
    assert opens(other_clinician, anas)


def test_pressing_twice_or_asking_again_while_it_is_open_is_one_opening(anas: Kept, other_clinician: User) -> None:
    key = uuid4()
    rows = {opened(other_clinician, anas, form_key=key).pk for _ in range(2)}
    assert rows == {opened(other_clinician, anas).pk}
    assert Emergency.objects.count() == 1


def test_the_same_press_after_it_has_closed_does_not_open_it_again(anas: Kept, other_clinician: User) -> None:
    key = uuid4()
    row = opened(other_clinician, anas, form_key=key)
    emergency_end(by=other_clinician.actor, emergency_id=row.pk)
    assert opened(other_clinician, anas, form_key=key).pk == row.pk
    assert not opens(other_clinician, anas)


def test_a_form_key_of_another_patients_page_opens_nothing(anas: Kept, bens: Kept, ana: User, clinician: User) -> None:
    key = uuid4()
    row = opened(clinician, bens, form_key=key)
    emergency_end(by=clinician.actor, emergency_id=row.pk)
    from tests.conftest import account
    from tests.consults import building as consults

    other = consults.person(account("cleo@example.org", ana.role, "Cleo Marsh"), given="Cleo", family="Marsh")
    with pytest.raises(NotVisible):
        emergency_open(
            by=clinician.actor, patient_id=other.pk, reason=EmergencyReason.DANGER, words=WORDS, form_key=key
        )


@pytest.mark.parametrize(
    ("words", "code"), [("", "words_missing"), (" \n ", "words_missing"), ("x" * 2001, "too_long")]
)
def test_without_words_it_stays_closed(words: str, code: str, anas: Kept, other_clinician: User) -> None:
    with pytest.raises(DomainError) as refused:
        opened(other_clinician, anas, words=words)
    assert refused.value.code == code
    assert not opens(other_clinician, anas) and not OutgoingMail.objects.filter(kind="records.emergency").exists()


def test_a_reason_off_the_list_is_refused(anas: Kept, other_clinician: User) -> None:
    with pytest.raises(ValueError):
        opened(other_clinician, anas, reason="curiosity")
    assert not Emergency.objects.exists()


def test_only_clinicians_may(anas: Kept, ben: User, guardian: User, officer: User, support: User, owner: User) -> None:
    for user in (ben, guardian, officer, support, owner):
        with pytest.raises(NotVisible):
            opened(user, anas)
    assert not Emergency.objects.exists()


def test_nobody_opens_their_own_record_in_an_emergency(anas: Kept, other_clinician: User) -> None:
    grant_open(by=SYSTEM, patient_id=anas.id, kind=GrantKind.GUARDIAN, account_id=other_clinician.pk)
    with pytest.raises(DomainError) as refused:
        opened(other_clinician, anas)
    assert refused.value.code == "own_record"


def test_what_is_open_anyway_is_no_emergency(anas: Kept, clinician: User) -> None:
    with pytest.raises(DomainError) as refused:
        opened(clinician, anas)
    assert refused.value.code == "open_already"


def test_a_patient_who_is_not_there_is_not_found(anas: Kept, other_clinician: User) -> None:
    with pytest.raises(NotVisible):
        opened(other_clinician, anas, patient_id=uuid4())


def test_a_row_in_the_database_cannot_be_decided_by_nobody(anas: Kept, other_clinician: User) -> None:
    row = opened(other_clinician, anas)
    with pytest.raises(IntegrityError), transaction.atomic():
        Emergency.objects.filter(pk=row.pk).update(decision="justified")


# --- The alert, and what stands where ------------------------------------------------------------------------


def test_each_officer_is_told_at_once_and_the_mail_names_nobody(
    anas: Kept, other_clinician: User, officer: User
) -> None:
    row = opened(other_clinician, anas)
    mail = OutgoingMail.objects.get(kind="records.emergency")
    assert mail.account_id == officer.pk and mail.subject_id == anas.id
    told = mail_of("records.emergency").render(MailContext(mail.refs, {}, officer.pk))
    said = f"{mail_of('records.emergency').subject} {told.text}"
    assert str(row.pk) in said
    for secret in ("Okafor", "Ana", "Omar", "ZQX", str(anas.id)):
        assert secret not in said


def test_without_an_officers_account_the_clinics_officer_address_is_told(anas: Kept, other_clinician: User) -> None:
    opened(other_clinician, anas)
    mail = OutgoingMail.objects.get(kind="records.emergency")
    assert mail.account_id is None and mail.address == settings.CLINIC_OFFICER_EMAIL


def test_the_words_are_encrypted_and_stand_in_their_own_row_only(anas: Kept, other_clinician: User) -> None:
    from tests.privacy.building import opened_with, rows_with

    opened(other_clinician, anas)
    assert rows_with("ZQX-glass") == {}
    assert opened_with("ZQX-glass") == {"records.Emergency": 1}


def test_the_log_tells_the_class_of_the_reason_and_by_what_right_each_thing_was_opened(
    anas: Kept, other_clinician: User
) -> None:
    opened(other_clinician, anas, reason=EmergencyReason.OTHERS)
    vault.open_record(by=other_clinician.actor, patient_id=anas.id, purpose=Purpose.SAFETY)
    rows = AccessEvent.objects.filter(actor_id=other_clinician.pk, subject_id=anas.id).order_by("number")
    assert [(row.action, row.purpose, row.basis) for row in rows] == [
        (Action.GRANT, "operations", "grant:break_glass"),
        (Action.BREAK_GLASS, "safety", "emergency:others"),
        (Action.VIEW, "safety", "grant:break_glass"),
    ]


# --- The clinician's pages -----------------------------------------------------------------------------------


def at_glass(kept: Kept) -> str:
    return reverse("admin:break_glass", args=[kept.id])


def press(browser: Client, kept: Kept, **changed: Any) -> Any:
    key = browser.get(at_glass(kept)).context["form"]["form_key"].value()
    return browser.post(
        at_glass(kept), {"form_key": key, "reason": "danger", "words": WORDS, "sure": "on", **changed}
    )


def test_a_clinician_gives_a_reason_and_gets_the_record_with_the_time_left(
    anas: Kept, other_clinician: User, as_: As
) -> None:
    browser = as_(other_clinician)
    words = page(browser, "admin:break_glass", anas.id)
    assert "Ana Okafor" in words and "for 30 minutes" in words and "(320)" not in words
    answer = press(browser, anas)
    assert answer.headers["Location"] == reverse("admin:patient_record", args=[anas.id])
    words = page(browser, "admin:patient_record", anas.id)
    assert "open to you in an emergency" in words and "30 minutes left" in words
    assert "Does it hurt?" in words and "Acne vulgaris" in words and "Benzoyl peroxide" in words
    words = page(browser, "admin:consults_queue")
    assert "minutes left" in words and "To the record" in words, "on every page of the admin"
    picture = browser.get(reverse("records:photo", args=[anas.photo.pk, "thumb"]))
    assert picture.status_code == 200


@pytest.mark.parametrize("changed", [{"sure": ""}, {"words": ""}, {"reason": ""}, {"reason": "curiosity"}])
def test_what_is_missing_is_said_and_nothing_opens(
    changed: dict[str, str], anas: Kept, other_clinician: User, as_: As
) -> None:
    answer = press(as_(other_clinician), anas, **changed)
    assert answer.status_code == 200 and "One thing to fix" in text(answer)
    assert not Emergency.objects.exists()


def test_the_clinician_closes_it_from_the_banner(anas: Kept, other_clinician: User, as_: As) -> None:
    browser = as_(other_clinician)
    press(browser, anas)
    row = Emergency.objects.get()
    answer = browser.post(reverse("admin:emergency_end", args=[row.pk]), follow=True)
    assert "closed again" in text(answer) and "minutes left" not in text(answer)
    assert browser.get(reverse("records:photo", args=[anas.photo.pk, "thumb"])).status_code == 404


def test_when_the_time_is_over_the_page_says_so_and_leads_to_asking_anew(
    anas: Kept, other_clinician: User, as_: As
) -> None:
    browser = as_(other_clinician)
    press(browser, anas)
    Emergency.objects.update(opened_at=timezone.now() - dt.timedelta(hours=1), ends_at=timezone.now())
    row = Emergency.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_accessgrant SET starts_at = %s, ends_at = %s WHERE reference = %s",
                       [row.opened_at, row.ends_at, row.pk])
    answer = browser.get(reverse("admin:patient_record", args=[anas.id]), follow=True)
    assert "The time is over" in text(answer) and "Why now?" in text(answer)


def test_who_cares_for_the_patient_comes_to_the_record_without_breaking_anything(
    anas: Kept, clinician: User, as_: As
) -> None:
    answer = as_(clinician).get(at_glass(anas))
    assert answer.headers["Location"] == reverse("admin:patient_record", args=[anas.id])


def test_a_stranger_at_the_record_page_gets_not_found_and_a_trace(anas: Kept, other_clinician: User, as_: As) -> None:
    assert as_(other_clinician).get(reverse("admin:patient_record", args=[anas.id])).status_code == 404
    assert AccessEvent.objects.filter(action=Action.DENIED, actor_id=other_clinician.pk, subject_id=anas.id).exists()


def test_the_record_page_asks_as_much_for_one_consult_as_for_many(
    anas: Kept, ana: User, clinician: User, as_: As
) -> None:
    from tests.records.building import filled

    browser, address = as_(clinician), reverse("admin:patient_record", args=[anas.id])

    def asked() -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(address).status_code == 200
        return len(caught)

    before = asked()
    for _ in range(3):
        filled(ana, clinician, patient=anas.patient)
    assert asked() == before <= 30


# --- The officer's review ------------------------------------------------------------------------------------


def done(anas: Kept, other_clinician: User) -> Emergency:
    row = opened(other_clinician, anas)
    vault.open_record(by=other_clinician.actor, patient_id=anas.id, purpose=Purpose.CARE)
    vault.open_photo(by=other_clinician.actor, photo_id=anas.photo.pk, variant="image", purpose=Purpose.CARE)
    return emergency_end(by=other_clinician.actor, emergency_id=row.pk)


def test_the_officer_reads_who_when_why_and_everything_that_was_opened(
    anas: Kept, other_clinician: User, officer: User, as_: As
) -> None:
    row = done(anas, other_clinician)
    browser = as_(officer)
    assert "Omar Haddad" in page(browser, "admin:privacy_emergencies")
    words = page(browser, "admin:privacy_emergency", row.pk)
    for said in ("Omar Haddad", "health was in danger", WORDS, "Read your whole record", "Read a photo",
                 "Opened in an emergency: your whole record", "grant:break_glass"):
        assert said in words, said
    assert AccessEvent.objects.filter(
        action=Action.VIEW, object_kind="records.emergency", actor_id=officer.pk, object_id=row.pk
    ).exists()


def test_the_finding_is_kept_with_its_note_logged_and_final(
    anas: Kept, other_clinician: User, officer: User, as_: As
) -> None:
    row = done(anas, other_clinician)
    browser, address = as_(officer), reverse("admin:privacy_emergency", args=[row.pk])
    answer = browser.post(address, {"decision": "not_justified", "note": "Asked him: no reason. ZQX-note"}, follow=True)
    assert "There was no good reason" in text(answer) and "ZQX-note" in text(answer)
    event = AccessEvent.objects.get(action=Action.SIGN, object_kind="records.emergency")
    assert (event.basis, event.actor_id, event.purpose) == ("review:not_justified", officer.pk, "legal_duty")
    answer = browser.post(address, {"decision": "justified", "note": "Changed my mind"})
    assert Emergency.objects.get().decision == "not_justified"
    assert not selectors.to_review().exists()


@pytest.mark.parametrize("changed", [{"note": ""}, {"decision": ""}, {"decision": "maybe"}])
def test_a_finding_needs_a_decision_and_a_note(
    changed: dict[str, str], anas: Kept, other_clinician: User, officer: User, as_: As
) -> None:
    row = done(anas, other_clinician)
    answer = as_(officer).post(
        reverse("admin:privacy_emergency", args=[row.pk]), {"decision": "justified", "note": "Looked.", **changed}
    )
    assert answer.status_code == 200 and "One thing to fix" in text(answer)
    assert Emergency.objects.get().decision == ""


def test_nothing_is_decided_while_the_record_is_open(anas: Kept, other_clinician: User, officer: User) -> None:
    row = opened(other_clinician, anas)
    with pytest.raises(DomainError) as refused:
        emergency_review(by=officer.actor, emergency_id=row.pk, decision=ReviewDecision.JUSTIFIED, note="Looked.")
    assert refused.value.code == "open_still"


def test_only_the_officer_decides(
    anas: Kept, other_clinician: User, clinician: User, owner: User, support: User
) -> None:
    row = done(anas, other_clinician)
    for user in (other_clinician, clinician, owner, support):
        with pytest.raises(NotVisible):
            emergency_review(by=user.actor, emergency_id=row.pk, decision=ReviewDecision.JUSTIFIED, note="Fine.")
    assert Emergency.objects.get().decision == ""


def test_a_review_that_nobody_did_in_time_is_marked_late(
    anas: Kept, other_clinician: User, officer: User, as_: As
) -> None:
    row = done(anas, other_clinician)
    browser = as_(officer)
    assert "Late" not in page(browser, "admin:privacy_emergencies")
    Emergency.objects.update(review_due_on=today() - dt.timedelta(days=1))
    assert "Late" in page(browser, "admin:privacy_emergencies")
    assert "Late" in page(browser, "admin:privacy_emergency", row.pk)


def test_words_that_cannot_be_read_say_so_and_the_rest_stands(
    anas: Kept, other_clinician: User, officer: User, as_: As
) -> None:
    row = done(anas, other_clinician)
    broken(Emergency, "words", pk=row.pk)
    words = page(as_(officer), "admin:privacy_emergency", row.pk)
    assert "cannot be read" in words and "Read your whole record" in words


# --- What the patient sees -----------------------------------------------------------------------------------


def test_the_patient_sees_an_emergency_with_its_reason_and_never_the_words(
    anas: Kept, ana: User, other_clinician: User, as_: As
) -> None:
    done(anas, other_clinician)
    words = page(as_(ana), "privacy:who_looked")
    assert "Omar Haddad, clinician Emergency Opened in an emergency: your whole record" in words
    assert "opened in an emergency: The patient’s health was in danger" in words
    assert "ZQX" not in words


def test_it_goes_with_the_person_when_the_record_is_erased(anas: Kept, other_clinician: User) -> None:
    from portal.subjects import Subject
    from records import personal_data

    opened(other_clinician, anas)
    archived = personal_data.archive_for(Subject(anas.id))
    assert archived["emergencies"][0]["words"] == WORDS
    personal_data.erase_for(Subject(anas.id))
    assert not Emergency.objects.exists()


def test_running_emergencies_are_the_accounts_own(anas: Kept, other_clinician: User) -> None:
    row = opened(other_clinician, anas)
    assert list(selectors.running_of(other_clinician.pk)) == [row]
    assert not selectors.running_of(UUID(int=1)).exists() and not selectors.running_of(None).exists()
