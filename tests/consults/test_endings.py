"""Taking back, running out, closing, reminding: what goes, what stays, who is told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import timezone

from billing.models import Order, Refund
from billing.state import OrderState
from consults import services
from consults.models import Consult
from consults.state import ConsultState
from portal.accounts.models import User
from portal.context import SYSTEM
from portal.outbox.models import OutgoingMail
from records.models import Answer, Photo
from tests.consults.building import answer_all, answered, asked, pay, ready, sent, start, taken, waiting


def files() -> list[Path]:
    return [path for path in Path(settings.SEALED_DIR).rglob("*") if path.is_file()]


def made_old(consult: Consult, **fields: Any) -> None:
    Consult.objects.filter(pk=consult.pk).update(**fields)


def days_ago(days: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


def test_an_unsent_consult_runs_out_and_leaves_nothing(
    ana: User, django_capture_on_commit_callbacks: Any
) -> None:
    before = len(files())
    consult = ready(ana)
    answer_all(ana, consult, tried_how="Another word")  # a changed answer leaves a former value
    assert len(files()) == before + 6
    made_old(consult, changed_at=days_ago(settings.DRAFT_EXPIRES_DAYS + 1))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.sweep()["expired"] == 1
    consult.refresh_from_db()
    assert consult.state == ConsultState.EXPIRED
    assert not Answer.objects.exists() and not Photo.objects.exists()
    assert not apps.get_model("records", "AnswerEvent").objects.exists()
    assert len(files()) == before
    assert services.sweep()["expired"] == 0
    assert OutgoingMail.objects.filter(kind="consults.expired").count() == 1


def test_a_paid_consult_never_runs_out(ana: User) -> None:
    consult = sent(ana)
    pay(consult.order_id)
    made_old(consult, changed_at=days_ago(settings.DRAFT_EXPIRES_DAYS + 1))
    services.consult_expire(by=SYSTEM, consult_id=consult.pk)
    consult.refresh_from_db()
    assert consult.state == ConsultState.AWAITING_PAYMENT and Answer.objects.exists()


def test_taking_back_a_draft_removes_it_for_good(ana: User) -> None:
    consult = ready(ana)
    services.consult_withdraw(by=ana.actor, consult_id=consult.pk)
    assert not Answer.objects.exists() and not Photo.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_taking_back_before_paying_closes_the_bill(ana: User) -> None:
    consult = sent(ana)
    services.consult_withdraw(by=ana.actor, consult_id=consult.pk)
    assert Order.objects.get().state == OrderState.CANCELLED
    assert not Refund.objects.exists() and not Answer.objects.exists()


@pytest.mark.promise("S4")
def test_taking_back_what_is_paid_gives_all_money_back_once(ana: User) -> None:
    consult = waiting(ana)
    for _ in range(5):
        services.consult_withdraw(by=ana.actor, consult_id=consult.pk)
    refund = Refund.objects.get()
    assert refund.amount_cents == Order.objects.get().amount_cents
    assert refund.reason_code == "service_not_given"
    assert Answer.objects.exists() and Photo.objects.count() == 3, "what was handed in stays in the record"


def test_a_payment_for_a_consult_that_was_taken_back_goes_back(ana: User) -> None:
    consult = sent(ana)
    made_old(consult, state=ConsultState.WITHDRAWN, ended_at=timezone.now())
    pay(consult.order_id)
    services.consult_paid(consult_id=consult.pk)
    services.consult_paid(consult_id=consult.pk)
    assert Refund.objects.count() == 1


def test_declining_tells_why_and_gives_the_money_back(ana: User, clinician: User) -> None:
    consult, key = taken(ana, clinician), uuid4()
    for _ in range(3):
        services.consult_decline(by=clinician.actor, consult_id=consult.pk, reason="Go to a clinic.", form_key=key)
    assert Refund.objects.count() == 1
    assert consult.encounter.messages.get().body == "Go to a clinic."
    assert OutgoingMail.objects.filter(kind="consults.declined").count() == 1


def test_an_answered_consult_closes_by_itself_after_a_quiet_time(ana: User, clinician: User) -> None:
    consult = answered(ana, clinician)
    assert services.sweep()["closed"] == 0
    made_old(consult, changed_at=days_ago(settings.CONSULT_CLOSES_DAYS + 1))
    assert services.sweep()["closed"] == 1
    consult.refresh_from_db()
    assert consult.state == ConsultState.CLOSED and consult.ended_at is not None
    assert consult.encounter.closed_at is not None


def test_a_message_ends_the_quiet(ana: User, clinician: User) -> None:
    consult = answered(ana, clinician)
    made_old(consult, changed_at=days_ago(settings.CONSULT_CLOSES_DAYS + 1))
    services.consult_message(by=ana.actor, consult_id=consult.pk, body="It still stings.", form_key=uuid4())
    assert services.sweep()["closed"] == 0


@pytest.mark.parametrize("make", [start, sent], ids=["draft", "payment"])
def test_a_reminder_is_sent_once(ana: User, make: Any) -> None:
    consult = make(ana)
    assert services.sweep()["reminded"] == 0
    made_old(consult, changed_at=days_ago(settings.DRAFT_REMINDS_DAYS + 0.5))
    assert [services.sweep()["reminded"] for _ in range(3)] == [1, 0, 0]
    assert OutgoingMail.objects.filter(kind__startswith="consults.reminder_").count() == 1


def test_a_question_that_waits_is_reminded_of(ana: User, clinician: User) -> None:
    consult = asked(ana, clinician)
    made_old(consult, changed_at=days_ago(settings.DRAFT_REMINDS_DAYS + 0.5))
    assert services.sweep()["reminded"] == 1
    assert OutgoingMail.objects.filter(kind="consults.reminder_needs_information", account_id=ana.pk).exists()


def test_months_old_drafts_are_not_reminded_of_when_the_sweep_first_runs(ana: User) -> None:
    made_old(start(ana), changed_at=days_ago(20))
    assert services.sweep()["reminded"] == 0


def test_the_clinic_hears_once_that_an_answer_is_late(ana: User, clinician: User, other_clinician: User) -> None:
    made_old(waiting(ana), due_at=days_ago(0.01))
    assert [services.sweep()["overdue"] for _ in range(3)] == [1, 0, 0]
    late = OutgoingMail.objects.filter(kind="consults.overdue")
    assert set(late.values_list("account_id", flat=True)) == {clinician.pk, other_clinician.pk}


def test_one_that_fails_does_not_hold_up_the_others(ana: User, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from consults.services import housekeeping
    from portal.errors import NotVisible

    first, second = start(ana), start(ben)
    made_old(first, changed_at=days_ago(90))
    made_old(second, changed_at=days_ago(80))
    real = services.consult_expire

    def expire(*, by: Any, consult_id: Any) -> Consult:
        if consult_id == first.pk:
            raise NotVisible
        return real(by=by, consult_id=consult_id)

    monkeypatch.setattr(housekeeping, "consult_expire", expire)
    assert services.sweep()["expired"] == 1
    second.refresh_from_db()
    assert second.state == ConsultState.EXPIRED
