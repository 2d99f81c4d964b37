"""Making an account: agreement first, then the address proves itself, and failing leaves nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.accounts import services
from portal.accounts.models import User
from portal.accounts.tasks import purge_unverified
from portal.agreements.models import Agreement, AgreementContext, PolicyKind, PolicyVersion
from portal.audit.models import AccessEvent, Action
from portal.dates import today
from portal.outbox.models import OutgoingMail
from tests.accounts.conftest import NEW_PASSWORD, Visitor, code_in, mails_to, words_of


@pytest.mark.promise("P01")
@pytest.mark.promise("P18")
def test_a_person_signs_up_with_a_code_from_their_mail(visitor: Visitor) -> None:
    response = visitor.sign_up("Nora@Example.org")
    assert response.status_code == 302
    assert response["Location"] == reverse("account_email_verification_sent")
    user = User.objects.get(email="nora@example.org")
    assert not EmailAddress.objects.filter(user=user, verified=True).exists()

    [mail] = mails_to("nora@example.org")
    response = visitor.type_code(code_in(mail))

    assert response.status_code == 302 and response["Location"] == "/home/"
    assert EmailAddress.objects.get(user=user).verified
    assert visitor.client.get(reverse("accounts:profile")).status_code == 200


@pytest.mark.promise("P01")
def test_the_agreement_to_both_texts_is_kept_with_its_time_and_address(
    visitor: Visitor, policies: list[PolicyVersion]
) -> None:
    visitor.client.defaults["REMOTE_ADDR"] = "203.0.113.7"
    visitor.sign_up("nora@example.org")
    user = User.objects.get()
    agreements = Agreement.objects.filter(account_id=user.pk)
    assert {a.policy_id for a in agreements} == {p.pk for p in policies}
    assert {a.context for a in agreements} == {AgreementContext.SIGN_UP}
    assert {a.remote_address for a in agreements} == {"203.0.113.7"}


@pytest.mark.promise("P02")
@pytest.mark.parametrize("ticket", ["", "made-up", "eyJhZHVsdCI6dHJ1ZX0:1w:forged"])
def test_without_a_ticket_from_the_gate_there_is_no_sign_up(visitor: Visitor, ticket: str) -> None:
    shown = visitor.client.get(reverse("account_signup"), {"ticket": ticket})
    assert shown.status_code == 302 and shown["Location"] == reverse("accounts:start")
    answer = visitor.client.post(
        reverse("account_signup"), {"email": "nora@example.org", "password1": NEW_PASSWORD, "ticket": ticket}
    )
    assert answer.status_code == 302 and answer["Location"] == reverse("accounts:start")
    assert not User.objects.exists()


@pytest.mark.promise("P02")
def test_a_ticket_ends_after_two_hours(visitor: Visitor) -> None:
    with time_machine.travel("2026-03-01 12:00:00+00:00", tick=False) as clock:
        ticket = visitor.pass_gate()
        clock.shift(dt.timedelta(hours=2, seconds=1))
        assert visitor.sign_up("nora@example.org", ticket=ticket)["Location"] == reverse("accounts:start")
    assert not User.objects.exists()


@pytest.mark.promise("P01")
def test_a_ticket_for_a_former_text_leads_back_to_the_gate(visitor: Visitor) -> None:
    ticket = visitor.pass_gate()
    PolicyVersion.objects.create(
        kind=PolicyKind.PRIVACY_POLICY, version="new", effective_on=today(), sha256="1" * 64
    )
    assert visitor.sign_up("nora@example.org", ticket=ticket)["Location"] == reverse("accounts:start")
    assert not User.objects.exists()


def test_the_sign_up_page_keeps_the_ticket_and_asks_for_two_things(visitor: Visitor) -> None:
    ticket = visitor.pass_gate()
    page = visitor.client.get(reverse("account_signup"), {"ticket": ticket})
    assert page.status_code == 200
    assert [f.name for f in page.context["form"].visible_fields()] == ["email", "password1"]
    assert page.context["form"]["ticket"].value() == ticket


@pytest.mark.promise("P18")
def test_an_address_that_has_an_account_gets_the_same_answer_and_a_mail_to_its_owner(
    visitor: Visitor, ana: User
) -> None:
    known = visitor.sign_up(ana.email)
    stranger = Visitor(Client())
    unknown = stranger.sign_up("somebody@example.org")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    pages = [v.client.get(known["Location"]).content.decode() for v in (visitor, stranger)]
    same = [
        page.replace("ana@example.org", "X").replace("somebody@example.org", "X").split("csrfmiddlewaretoken")[0]
        for page in pages
    ]
    assert same[0] == same[1]
    assert User.objects.count() == 2
    [mail] = mails_to(ana.email)
    assert mail.kind == "account.account_already_exists"
    assert reverse("account_reset_password") in words_of(mail)
    ana.refresh_from_db()
    assert ana.check_password("a long walk by the lake")


def test_a_sign_up_that_breaks_half_way_leaves_nothing_and_can_be_repeated(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("portal.accounts.adapter.mail_queue", broken)
        with pytest.raises(RuntimeError):
            visitor.sign_up("nora@example.org")
    assert not User.objects.exists() and not Agreement.objects.exists() and not EmailAddress.objects.exists()

    cache.clear()
    again = Visitor(Client())
    again.sign_up("nora@example.org")
    assert again.type_code(code_in(mails_to("nora@example.org")[-1]))["Location"] == "/home/"


def test_somebody_who_lost_the_code_page_can_simply_sign_up_again(visitor: Visitor) -> None:
    visitor.sign_up("nora@example.org", password="the first thing I thought of")
    first = User.objects.get()
    cache.clear()
    again = Visitor(Client())
    again.sign_up("nora@example.org", password=NEW_PASSWORD)
    user = User.objects.get()
    assert user.pk != first.pk and user.check_password(NEW_PASSWORD)
    assert set(Agreement.objects.values_list("account_id", flat=True)) == {user.pk}
    assert again.type_code(code_in(mails_to("nora@example.org")[-1]))["Location"] == "/home/"
    assert User.objects.get().pk == user.pk


def test_two_presses_on_sign_up_make_one_account(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second press comes in before the first one's row can be seen."""
    ticket = visitor.pass_gate()
    visitor.sign_up("nora@example.org", ticket=ticket)
    cache.clear()
    with monkeypatch.context() as patch:
        patch.setattr("allauth.account.internal.flows.manage_email.assess_unique_email", lambda *_, **__: True)
        other = Visitor(Client())
        assert other.sign_up("nora@example.org", ticket=ticket).status_code == 302
    assert User.objects.count() == 1


def test_a_wrong_code_is_refused_with_a_sentence_and_five_of_them_end_it(visitor: Visitor) -> None:
    visitor.sign_up("nora@example.org")
    for _ in range(4):
        page = visitor.type_code("WRONG-CODE")
        assert page.status_code == 200 and "not right" in page.content.decode()
    assert visitor.type_code("WRONG-CODE")["Location"] == reverse("account_login")
    right = code_in(mails_to("nora@example.org")[0])
    assert visitor.type_code(right)["Location"] != "/home/"
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_reading_the_code_page_many_times_does_not_burn_the_code(visitor: Visitor) -> None:
    """Mail scanners and reloads only ever GET (fault 64)."""
    visitor.sign_up("nora@example.org")
    for _ in range(3):
        visitor.client.get(reverse("account_email_verification_sent"), HTTP_USER_AGENT="BingPreview/1.0b")
    visitor.client.head(reverse("account_email_verification_sent"))
    assert visitor.type_code(code_in(mails_to("nora@example.org")[0]))["Location"] == "/home/"


def test_signing_up_twice_in_a_moment_shows_the_wait_page(visitor: Visitor) -> None:
    visitor.sign_up("nora@example.org")
    page = Visitor(Client()).sign_up("nora@example.org")
    assert page.status_code == 429
    assert "<html lang=" in page.content.decode()
    assert User.objects.count() == 1


@pytest.mark.promise("P02")
def test_an_address_never_proven_is_gone_after_a_day_with_all_that_it_left(visitor: Visitor, ana: User) -> None:
    with time_machine.travel("2026-03-01 12:00:00+00:00", tick=False) as clock:
        visitor.sign_up("nora@example.org")
        clock.shift(dt.timedelta(hours=23, minutes=59))
        assert purge_unverified() == 0
        clock.shift(dt.timedelta(minutes=2))
        assert purge_unverified() == 1
    assert list(User.objects.all()) == [ana]
    assert not Agreement.objects.exists()
    assert not EmailAddress.objects.exclude(user=ana).exists()
    assert not OutgoingMail.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.promise("P02")
def test_an_account_that_was_used_is_never_purged(visitor: Visitor) -> None:
    with time_machine.travel("2026-03-01 12:00:00+00:00", tick=False) as clock:
        visitor.sign_up("nora@example.org")
        visitor.type_code(code_in(mails_to("nora@example.org")[0]))
        clock.shift(dt.timedelta(days=30))
        assert services.accounts_purge_unverified() == 0


def test_codes_and_addresses_of_a_sign_up_cannot_be_read_in_the_session_table(visitor: Visitor) -> None:
    visitor.sign_up("nora@example.org")
    code = code_in(mails_to("nora@example.org")[0])
    stored = "".join(Session.objects.values_list("session_data", flat=True))
    assert stored and "nora" not in stored and code not in stored
    assert visitor.client.session["account_email_verification_code"]["code"] == code


def test_no_cookie_tells_the_address(visitor: Visitor) -> None:
    visitor.sign_up("nora@example.org")
    assert set(visitor.client.cookies) <= {"session", "csrf"}
    assert "nora" not in str(visitor.client.cookies)


def test_signing_in_is_written_into_the_access_log(visitor: Visitor) -> None:
    visitor.sign_up("nora@example.org")
    visitor.type_code(code_in(mails_to("nora@example.org")[0]))
    user = User.objects.get()
    event = AccessEvent.objects.get(action=Action.SIGN_IN)
    assert event.actor_id == user.pk and event.object_kind == "accounts.user"
