"""FIELD_FAULTS 79: the mail server is dead when an erasure, a copy, a refusal or the notices of a breach end.

What ended stays ended, nobody has to do it again, staff see that a mail waits, and the mail goes
alone and once when there is a server again; one that is stuck for good goes by a press.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.agreements.services import notices_by_email
from portal.audit.models import AccessEvent
from portal.jobs.models import Job
from portal.outbox.delivery import drain
from portal.outbox.models import MailState, OutgoingMail
from privacy.models import RequestKind, RightsRequest
from privacy.requests.state import RequestState
from records.models import Patient
from tests.incidents.building import breach
from tests.incidents.test_notices import sent as notices_sent
from tests.outbox.conftest import fresh_breaker, mail_server
from tests.outbox.server import MailServer, free_port
from tests.privacy.building import ask, carried_out, work
from tests.privacy.conftest import places
from tests.sweeps.corrected import refused

__all__ = ["fresh_breaker", "mail_server", "places"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places"), pytest.mark.promise("P25")]
As = Callable[..., Client]
Scene = tuple[User, User, Patient]


def erasure(scene: Scene) -> bool:
    ana, officer, anas = scene
    row = carried_out(officer, ask(ana, anas))
    gone = not Patient.objects.filter(pk=anas.pk).exists() and not User.objects.filter(pk=ana.pk).exists()
    return gone and RightsRequest.objects.get(pk=row.pk).state == RequestState.COMPLETED


def copy(scene: Scene) -> bool:
    ana, _officer, anas = scene
    row = ask(ana, anas, RequestKind.ACCESS)
    work(row)
    return RightsRequest.objects.get(pk=row.pk).state == RequestState.COMPLETED


def refusal(scene: Scene) -> bool:
    ana, officer, anas = scene
    return RightsRequest.objects.get(pk=refused(ana, anas, officer).pk).state == RequestState.DENIED


def breach_notice(scene: Scene) -> bool:
    ana, officer, anas = scene
    notices_by_email(by=ana.actor, wanted=True)
    notices_sent(officer, breach(officer, anas.pk))
    return OutgoingMail.objects.filter(kind="incident.notice").exists()


@pytest.fixture
def scene(ana: User, officer: User, anas: Patient) -> Scene:
    return ana, officer, anas


def waiting() -> Any:
    return OutgoingMail.objects.filter(state=MailState.WAITING)


def deeds() -> tuple[Any, ...]:
    """What tells whether anything was done again."""
    requests = sorted(RightsRequest.objects.values_list("pk", "state", "ended_at"))
    return requests, sorted(Job.objects.values_list("pk", "state", "attempts")), AccessEvent.objects.count()


@pytest.mark.parametrize("ends", [erasure, copy, refusal, breach_notice])
def test_what_ended_stays_ended_and_its_mail_goes_alone_and_once(
    ends: Callable[[Scene], bool], scene: Scene, mail_server: MailServer, settings: Any, as_: As
) -> None:
    settings.EMAIL_PORT = free_port()
    assert ends(scene)
    mails, before = {mail.pk for mail in waiting()}, deeds()
    assert mails, "nobody would be told"
    for _again in range(30):
        assert drain(patient=False).server_down
    assert ({mail.pk for mail in waiting()}, deeds()) == (mails, before), "no try is used up, nothing is done again"
    page = as_(scene[1]).get("/admin/mail/").content.decode()
    assert f"Waiting: {len(mails)}." in page
    settings.EMAIL_PORT = mail_server.port
    while drain(patient=False).sent:
        pass
    assert not waiting().exists() and len(mail_server.mails) == len(mails)
    assert all(len(mail.to) == 1 for mail in mail_server.mails)


@pytest.mark.parametrize("ends", [erasure, copy, refusal, breach_notice])
def test_a_mail_of_it_that_is_stuck_stands_on_the_desk_and_goes_by_a_press(
    ends: Callable[[Scene], bool], scene: Scene, mail_server: MailServer, as_: As
) -> None:
    drain(patient=False)
    earlier = {mail.pk for mail in OutgoingMail.objects.all()}
    mail_server.answers["ana@example.org"] = "550 no such person"
    assert ends(scene)
    drain(patient=False)
    stuck = OutgoingMail.objects.filter(state=MailState.DEAD).exclude(pk__in=earlier)
    assert stuck
    before, browser = deeds()[:2], as_(scene[1])
    page = browser.get("/admin/mail/").content.decode()
    mail_server.answers.clear()
    for mail in list(stuck):
        assert f"/admin/mail/{mail.pk}/again/" in page
        browser.post(f"/admin/mail/{mail.pk}/again/")
    drain(patient=False)
    assert not stuck.all().exists() and mail_server.to("ana@example.org")
    assert deeds()[:2] == before
