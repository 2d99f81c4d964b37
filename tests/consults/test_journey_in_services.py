"""From the first press to the signed plan, through the services alone."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest

from consults import services
from consults.models import Consult, NoticeReceipt
from consults.services import Consent
from consults.state import ConsultState
from portal.accounts.models import User
from portal.agreements.models import Agreement, AgreementContext
from portal.errors import DomainError, NotVisible
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose
from records.access import may_open
from records.models import Answer, GrantKind
from tests.consults.building import answered, asked, pay, person, ready, sent, start, taken, waiting


def kinds() -> list[str]:
    return sorted(OutgoingMail.objects.values_list("kind", flat=True))


@pytest.mark.promise("S1")
def test_five_presses_on_start_make_one_draft(ana: User) -> None:
    patient, key = person(ana), uuid4()
    made = {services.consult_start(by=ana.actor, patient_id=patient.pk, form_key=key).pk for _ in range(5)}
    made |= {services.consult_start(by=ana.actor, patient_id=patient.pk, form_key=uuid4()).pk for _ in range(5)}
    assert len(made) == 1 and Consult.objects.count() == 1


def test_a_key_of_somebody_else_s_page_starts_nothing(ana: User, ben: User) -> None:
    key, mine = uuid4(), person(ana)
    services.consult_start(by=ana.actor, patient_id=mine.pk, form_key=key)
    with pytest.raises(NotVisible):
        services.consult_start(by=ben.actor, patient_id=person(ben).pk, form_key=key)
    assert Consult.objects.count() == 1


@pytest.mark.promise("P01", "P08")
def test_sending_records_consent_and_agreement(ana: User) -> None:
    consult = sent(ana)
    agreed = Agreement.objects.filter(account_id=ana.pk, context=AgreementContext.CONSULT, reference=consult.pk)
    assert consult.state == ConsultState.AWAITING_PAYMENT
    assert consult.consented_at is not None and consult.consent_version == "care-1"
    assert sorted(agreed.values_list("policy__kind", flat=True)) == ["privacy_policy", "terms_of_service"]


@pytest.mark.promise("P53")
@pytest.mark.parametrize(("said", "kept"), [(True, NoticeReceipt.RECEIVED), (False, NoticeReceipt.NOT_SAID)])
def test_the_notice_is_never_a_condition_of_care(ana: User, said: bool, kept: NoticeReceipt) -> None:
    consult = ready(ana)
    consult = services.consult_submit(
        by=ana.actor, consult_id=consult.pk, consent=Consent(care=True, agreement=True, notice=said)
    )
    assert consult.state == ConsultState.AWAITING_PAYMENT
    assert (consult.notice_receipt, consult.notice_version) == (kept, "2026-11-01")


@pytest.mark.parametrize("missing", ["care", "agreement"])
def test_without_consent_or_agreement_nothing_is_sent(ana: User, missing: str) -> None:
    consult = ready(ana)
    consent = Consent(**{"care": True, "agreement": True, missing: False})
    with pytest.raises(DomainError) as refused:
        services.consult_submit(by=ana.actor, consult_id=consult.pk, consent=consent)
    consult.refresh_from_db()
    assert refused.value.field == missing and consult.state == ConsultState.DRAFT
    assert not Agreement.objects.exists()


def test_paying_opens_the_queue_and_starts_the_clock(ana: User, clinician: User, settings) -> None:  # type: ignore[no-untyped-def]
    consult = waiting(ana)
    assert consult.state == ConsultState.SUBMITTED
    assert consult.due_at - consult.paid_at == dt.timedelta(hours=settings.CLINIC_REPLY_HOURS)
    assert may_open(by=clinician.actor, patient_id=consult.patient_id, purpose=Purpose.CARE) is GrantKind.QUEUE
    consult.encounter.refresh_from_db()
    assert consult.encounter.submitted_at is not None
    assert kinds() == ["consults.case_waiting", "consults.received"]


def test_a_payment_told_ten_times_has_one_effect(ana: User, clinician: User) -> None:
    consult = waiting(ana)
    before = (consult.paid_at, consult.due_at)
    for _ in range(10):
        services.consult_paid(consult_id=consult.pk)
    consult.refresh_from_db()
    assert (consult.paid_at, consult.due_at) == before
    assert kinds() == ["consults.case_waiting", "consults.received"]


def test_an_unpaid_order_begins_nothing_whoever_says_so(ana: User) -> None:
    consult = sent(ana)
    services.consult_paid(consult_id=consult.pk)
    consult.refresh_from_db()
    assert consult.state == ConsultState.AWAITING_PAYMENT
    with pytest.raises(NotVisible):
        services.consult_paid(by=ana.actor, consult_id=consult.pk)


def test_the_sweep_finds_a_payment_whose_signal_was_lost(ana: User) -> None:
    consult = sent(ana)
    pay(consult.order_id)
    assert services.sweep()["paid"] == 1
    consult.refresh_from_db()
    assert consult.state == ConsultState.SUBMITTED


def test_a_payment_during_a_change_counts_at_the_next_sending(ana: User) -> None:
    consult = sent(ana)
    services.consult_revise(by=ana.actor, consult_id=consult.pk)
    pay(consult.order_id)
    services.consult_paid(consult_id=consult.pk)
    consult.refresh_from_db()
    assert consult.state == ConsultState.DRAFT
    consult = services.consult_submit(by=ana.actor, consult_id=consult.pk, consent=Consent(True, True))
    assert consult.state == ConsultState.SUBMITTED and consult.due_at is not None


@pytest.mark.promise("P21", "S2")
def test_taking_closes_the_queue_and_opens_the_record_to_one(ana: User, clinician: User, other_clinician: User) -> None:
    consult = taken(ana, clinician)
    assert may_open(by=clinician.actor, patient_id=consult.patient_id, purpose=Purpose.CARE) is GrantKind.CARE_TEAM
    assert may_open(by=other_clinician.actor, patient_id=consult.patient_id, purpose=Purpose.CARE) is None
    with pytest.raises(NotVisible):
        services.consult_take(by=other_clinician.actor, consult_id=consult.pk)
    assert services.consult_take(by=clinician.actor, consult_id=consult.pk).assigned_to == clinician.pk


def test_releasing_gives_the_case_back_and_ends_access(ana: User, clinician: User, other_clinician: User) -> None:
    consult = taken(ana, clinician)
    services.consult_release(by=clinician.actor, consult_id=consult.pk)
    assert may_open(by=clinician.actor, patient_id=consult.patient_id, purpose=Purpose.CARE) is GrantKind.QUEUE
    assert services.consult_take(by=other_clinician.actor, consult_id=consult.pk).assigned_to == other_clinician.pk


@pytest.mark.promise("S3")
def test_a_question_and_its_reply_are_each_sent_once(ana: User, clinician: User) -> None:
    consult, key = asked(ana, clinician), uuid4()
    assert consult.state == ConsultState.NEEDS_INFORMATION
    for _ in range(5):
        services.consult_message(by=ana.actor, consult_id=consult.pk, body="Only when I touch it.", form_key=key)
    consult.refresh_from_db()
    assert consult.state == ConsultState.IN_REVIEW
    assert consult.encounter.messages.count() == 2
    assert kinds().count("consults.question") == 1 and kinds().count("consults.patient_wrote") == 1


@pytest.mark.promise("S2")
def test_an_answer_is_signed_and_told(ana: User, clinician: User) -> None:
    consult = answered(ana, clinician)
    assert consult.state == ConsultState.ANSWERED and consult.answered_at is not None
    assert consult.encounter.plan.signed_by == clinician.pk
    assert "consults.plan_ready" in kinds()


def test_nothing_to_sign_is_not_signed(ana: User, clinician: User) -> None:
    consult = taken(ana, clinician)
    with pytest.raises(DomainError) as refused:
        services.consult_answer(by=clinician.actor, consult_id=consult.pk)
    consult.refresh_from_db()
    assert refused.value.code == "assessment_missing" and consult.state == ConsultState.IN_REVIEW


def test_closing_leaves_the_care_team_its_days_of_follow_up(ana: User, clinician: User, settings) -> None:  # type: ignore[no-untyped-def]
    consult = answered(ana, clinician)
    consult = services.consult_close(by=clinician.actor, consult_id=consult.pk)
    grant = consult.patient.grants.get(kind=GrantKind.CARE_TEAM)
    assert consult.state == ConsultState.CLOSED
    assert (grant.ends_at - consult.ended_at).days == settings.CARE_TEAM_FOLLOW_UP_DAYS
    assert may_open(by=clinician.actor, patient_id=consult.patient_id, purpose=Purpose.CARE) is GrantKind.CARE_TEAM


def test_only_answers_on_the_own_path_are_kept(ana: User) -> None:
    consult = start(ana)
    save = lambda screen, **answers: services.step_save(  # noqa: E731
        by=ana.actor, consult_id=consult.pk, screen_id=screen, answers=answers
    )
    save("medicine", medicine=["lithium"])
    save("medicine_names", medicine_names="Lithium 300 mg")
    save("medicine", medicine=["none"])
    assert set(Answer.objects.values_list("question_id", flat=True)) == {"medicine"}
    with pytest.raises(NotVisible):
        save("medicine_names", medicine_names="Lithium 300 mg")
