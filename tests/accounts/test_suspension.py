"""P56: a sign-in or a device that is misused is stopped with a reason; the person's rights stay open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from portal.accounts.leaving import account_leave
from portal.accounts.models import Suspension, SuspensionReason, User
from portal.accounts.selectors import is_suspended
from portal.accounts.services import account_close, account_reopen
from portal.accounts.suspending import account_suspend, device_suspend, suspension_lift
from portal.audit.models import AccessEvent
from portal.errors import DomainError, NotVisible
from portal.outbox.models import OutgoingMail
from portal.permissions import Purpose
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P56")]
As = Callable[..., Client]
PHONE, DESK = "Mozilla/5.0 (iPhone) Safari", "Mozilla/5.0 (Windows NT 10.0) Firefox"
INACTIVE = "/accounts/inactive/"


def stop(by: User, user: User, **more: Any) -> Suspension:
    words = {"reason": SuspensionReason.THREATS, "note": "Wrote threats to a nurse.", **more}
    return account_suspend(by=by.actor, account_id=user.pk, **words)


def signed_in(user: User, agent: str = DESK, address: str = "203.0.113.9") -> tuple[Client, Any]:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)
    return client, client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})


def at_home(client: Client) -> bool:
    return client.get(reverse("accounts:profile")).status_code == 200


def test_a_stopped_sign_in_ends_everywhere_and_opens_nowhere(ana: User, officer: User) -> None:
    client, _answer = signed_in(ana)
    assert at_home(client)
    row = stop(officer, ana)
    assert stop(officer, ana) == row, "pressed twice"
    assert not at_home(client)
    assert not UserSession.objects.filter(user=ana).exists() and not Session.objects.exists()
    _client, answer = signed_in(ana)
    assert answer["Location"] == INACTIVE
    page = Client().get(INACTIVE).content.decode()
    assert "your rights stay open" in page and reverse("pages:questions") in page
    [mail] = OutgoingMail.objects.filter(account_id=ana.pk)
    assert (mail.kind, mail.address) == ("account.suspended", ana.email)
    trace = AccessEvent.objects.get(object_id=ana.pk, basis__startswith="suspended")
    assert (trace.purpose, trace.actor_id, trace.basis) == (Purpose.ABUSE, officer.pk, "suspended:account:threats")


def test_a_stranger_cannot_tell_a_stopped_sign_in_from_a_wrong_password(ana: User, officer: User) -> None:
    wrong = Client().post(reverse("account_login"), {"login": ana.email, "password": "not it at all, sorry"})
    stop(officer, ana)
    same = Client().post(reverse("account_login"), {"login": ana.email, "password": "not it at all, sorry"})
    assert (wrong.status_code, same.status_code) == (200, 200)
    assert "do not belong together" in wrong.content.decode() and "do not belong together" in same.content.decode()


def test_it_is_lifted_with_a_reason_and_not_by_opening_a_closed_account(
    ana: User, officer: User, support: User
) -> None:
    row = stop(officer, ana)
    account_close(by=ana.actor)
    account_reopen(by=support.actor, account_id=ana.pk)
    assert is_suspended(ana.pk)
    assert signed_in(ana)[1]["Location"] == INACTIVE
    with pytest.raises(DomainError):
        suspension_lift(by=officer.actor, suspension_id=row.pk, note=" ")
    suspension_lift(by=officer.actor, suspension_id=row.pk, note="Talked it over.")
    assert at_home(signed_in(ana)[0])


def test_a_closed_account_stays_closed_when_its_stop_is_lifted(ana: User, officer: User) -> None:
    row = stop(officer, ana)
    account_close(by=ana.actor)
    suspension_lift(by=officer.actor, suspension_id=row.pk, note="Over.")
    ana.refresh_from_db()
    assert not ana.is_active


def test_one_device_is_stopped_and_the_others_go_on(ana: User, officer: User) -> None:
    phone, _answer = signed_in(ana, PHONE, "198.51.100.20")
    desk, _answer = signed_in(ana, DESK)
    at_home(phone), at_home(desk)
    session = UserSession.objects.get(user=ana, user_agent=PHONE)
    row = device_suspend(
        by=officer.actor, session_id=session.pk, reason=SuspensionReason.TAKEN_OVER, note="Her phone was stolen."
    )
    assert len(row.device) == 64 and PHONE not in row.device
    assert not at_home(phone) and at_home(desk)
    assert signed_in(ana, PHONE, "198.51.100.77")[1]["Location"] == INACTIVE, "same phone, same network"
    assert at_home(signed_in(ana, PHONE, "203.0.113.50")[0]), "another network is another device"
    suspension_lift(by=officer.actor, suspension_id=row.pk, note="Found again.")
    assert at_home(signed_in(ana, PHONE, "198.51.100.20")[0])


def test_who_may_stop_and_whom(
    ana: User, ben: User, officer: User, support: User, owner: User, clinician: User
) -> None:
    for other in (ana, support, owner, clinician):
        with pytest.raises(NotVisible):
            stop(other, ben)
    with pytest.raises(DomainError) as error:
        stop(officer, officer)
    assert error.value.code == "own_account"
    with pytest.raises(DomainError):
        stop(officer, ben, note=" ")
    with pytest.raises(ValueError, match="because"):
        stop(officer, ben, reason="because")
    with pytest.raises(NotVisible):
        account_suspend(by=officer.actor, account_id=uuid4(), reason=SuspensionReason.FRAUD, note="x")
    assert stop(officer, clinician, reason=SuspensionReason.SNOOPING).reason == "snooping"


def test_what_is_stopped_stands_first_and_its_page_says_what_happened(
    ana: User, ben: User, officer: User, as_: As
) -> None:
    old = stop(officer, ben)
    suspension_lift(by=officer.actor, suspension_id=old.pk, note="Settled.")
    row = stop(officer, ana, note="Wrote threats to a nurse, twice.")
    browser = as_(officer)
    rows = browser.get(reverse("admin:stopped_accounts")).context["rows"]
    assert [one[0].pk for one in rows] == [row.pk, old.pk]
    assert rows[0][0].get_deferred_fields() == {"note", "lift_note", "device_words"}
    assert "Wrote threats to a nurse, twice." in browser.get(
        reverse("admin:account_lift", args=[row.pk])
    ).content.decode()
    assert AccessEvent.objects.filter(action="view", object_id=ana.pk, basis=f"suspension:{row.pk}").count() == 1


def test_who_has_left_meanwhile_is_mailed_nothing(ana: User, officer: User) -> None:
    row = stop(officer, ana)
    account_leave(by=officer.actor, account_id=ana.pk)
    mails = OutgoingMail.objects.count()
    suspension_lift(by=officer.actor, suspension_id=row.pk, note="Left.")
    assert OutgoingMail.objects.count() == mails and not User.objects.get(pk=ana.pk).is_active


def test_the_officers_pages_stop_and_lift(ana: User, officer: User, as_: As) -> None:
    browser = as_(officer)
    page = browser.get(reverse("admin:accounts_user_change", args=[ana.pk])).content.decode()
    assert reverse("admin:account_stop", args=[ana.pk]) in page
    url = reverse("admin:account_stop", args=[ana.pk])
    assert "Choose the reason" in browser.post(url, {"note": "x"}).content.decode()
    browser.post(url, {"device": "all", "reason": "fraud", "note": "A card that was not hers."})
    row = Suspension.objects.get()
    assert ana.email in browser.get(reverse("admin:stopped_accounts")).content.decode()
    browser.post(reverse("admin:account_lift", args=[row.pk]), {"note": "It was hers."})
    row.refresh_from_db()
    assert row.lifted_by == officer.pk
