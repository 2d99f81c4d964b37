"""Two at once: threads with connections of their own, on the real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from billing.models import Order, Refund
from consults import services
from consults.models import Consult
from consults.services import Consent
from consults.state import ConsultState
from portal.accounts.models import User
from portal.agreements.services import policies_publish
from portal.errors import DomainError, NotVisible
from portal.outbox.models import OutgoingMail
from records.models import Message
from tests.consults.building import asked, pay, person, ready, sent, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def policies_again(settings: Any) -> None:
    settings.POKE_ENABLED = False
    policies_publish()


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Run each in a thread, started together; a refusal is its own result."""
    gate, results = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], Any]) -> None:
        try:
            gate.wait()
            results.append(deed())
        except (DomainError, NotVisible) as refused:
            results.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(deeds)
    return results


def test_five_starts_at_once_make_one_draft(ana: User) -> None:
    patient, by = person(ana), ana.actor
    made = at_once(
        *[lambda: services.consult_start(by=by, patient_id=patient.pk, form_key=uuid4()) for _ in range(5)]
    )
    assert len({consult.pk for consult in made}) == 1 and Consult.objects.count() == 1


def test_two_clinicians_who_take_at_once_get_one_case(ana: User, clinician: User, other_clinician: User) -> None:
    consult = waiting(ana)
    results = at_once(
        *[lambda who=who: services.consult_take(by=who.actor, consult_id=consult.pk)
          for who in (clinician, other_clinician)]
    )
    assert sum(isinstance(result, Consult) for result in results) == 1
    consult.refresh_from_db()
    assert consult.state == ConsultState.IN_REVIEW and consult.assigned_to in (clinician.pk, other_clinician.pk)


def test_five_sendings_at_once_make_one_order(ana: User) -> None:
    consult, by = ready(ana), ana.actor
    at_once(*[
        lambda: services.consult_submit(by=by, consult_id=consult.pk, consent=Consent(True, True)) for _ in range(5)
    ])
    assert Order.objects.count() == 1


def test_the_return_page_and_the_webhook_begin_the_consult_once(ana: User, clinician: User) -> None:
    consult = sent(ana)
    pay(consult.order_id)
    at_once(*[lambda: services.consult_paid(consult_id=consult.pk) for _ in range(8)])
    assert OutgoingMail.objects.filter(kind="consults.received").count() == 1
    assert OutgoingMail.objects.filter(kind="consults.case_waiting").count() == 1


def test_paying_and_taking_back_at_once_end_in_one_of_both_with_the_money_right(ana: User) -> None:
    consult, by = sent(ana), ana.actor
    pay(consult.order_id)
    at_once(
        lambda: services.consult_paid(consult_id=consult.pk),
        lambda: services.consult_withdraw(by=by, consult_id=consult.pk),
    )
    services.consult_paid(consult_id=consult.pk)
    consult.refresh_from_db()
    assert consult.state == ConsultState.WITHDRAWN and Refund.objects.count() == 1


def test_two_replies_of_one_press_are_one_message(ana: User, clinician: User) -> None:
    consult, by, key = asked(ana, clinician), ana.actor, uuid4()
    at_once(*[
        lambda: services.consult_message(by=by, consult_id=consult.pk, body="Yes.", form_key=key) for _ in range(5)
    ])
    consult.refresh_from_db()
    assert consult.state == ConsultState.IN_REVIEW
    assert Message.objects.filter(from_staff=False).count() == 1
