"""Signing in, forgetting the password, changing the address: same answers for all, mail to the right box."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.selectors import address_of
from portal.audit.models import AccessEvent, Action
from portal.outbox.models import OutgoingMail
from tests.accounts.conftest import NEW_PASSWORD, code_in, mails_to, words_of
from tests.conftest import PASSWORD


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password}, **extra)


def test_a_person_signs_in_whatever_the_case_of_the_address(ana: User) -> None:
    client = Client()
    answer = sign_in(client, "Ana@Example.ORG")
    assert answer.status_code == 302 and answer["Location"] == "/home/"
    assert UserSession.objects.filter(user=ana).count() == 1


def test_the_session_key_changes_at_sign_in(ana: User) -> None:
    client = Client()
    client.get(reverse("account_login"))
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    client.cookies["session"] = before
    sign_in(client, ana.email)
    assert client.cookies["session"].value != before


@pytest.mark.promise("P18")
def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(ana: User) -> None:
    wrong = sign_in(Client(), ana.email, "not the password, no")
    unknown = sign_in(Client(), "who@example.org", "not the password, no")
    assert wrong.status_code == unknown.status_code == 200

    def same(response: Any, email: str) -> str:
        text = response.content.decode().replace(email, "X")
        return "".join(line for line in text.splitlines() if "csrfmiddlewaretoken" not in line)

    assert same(wrong, ana.email) == same(unknown, "who@example.org")
    assert "do not belong together" in wrong.content.decode()


@pytest.mark.promise("P18")
def test_forgetting_the_password_gets_the_same_answer_for_any_address(ana: User) -> None:
    known = Client().post(reverse("account_reset_password"), {"email": ana.email})
    unknown = Client().post(reverse("account_reset_password"), {"email": "who@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [m.kind for m in OutgoingMail.objects.all()] == ["account.password_reset_code"]


def test_a_new_password_is_set_with_a_code_from_the_mail(ana: User, as_: Any) -> None:
    elsewhere = as_(ana)
    client = Client()
    client.post(reverse("account_reset_password"), {"email": ana.email})
    [mail] = mails_to(ana.email)
    answer = client.post(reverse("account_confirm_password_reset_code"), {"code": code_in(mail)})
    assert answer.status_code == 302
    answer = client.post(answer["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert answer.status_code == 302
    assert sign_in(Client(), ana.email, NEW_PASSWORD)["Location"] == "/home/"
    assert elsewhere.get(reverse("accounts:profile")).status_code == 302
    assert mails_to(ana.email)[-1].kind == "account.password_reset"


def test_looking_at_the_code_page_does_not_burn_the_reset_code(ana: User) -> None:
    client = Client()
    client.post(reverse("account_reset_password"), {"email": ana.email})
    url = reverse("account_confirm_password_reset_code")
    for _ in range(3):
        client.get(url, HTTP_USER_AGENT="BingPreview/1.0b")
    client.head(url)
    assert client.post(url, {"code": code_in(mails_to(ana.email)[0])}).status_code == 302


def test_a_used_reset_code_is_dead(ana: User) -> None:
    client = Client()
    client.post(reverse("account_reset_password"), {"email": ana.email})
    code = code_in(mails_to(ana.email)[0])
    done = client.post(reverse("account_confirm_password_reset_code"), {"code": code})
    client.post(done["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    again = client.post(reverse("account_confirm_password_reset_code"), {"code": code})
    assert again.status_code == 302 and again["Location"] == reverse("account_login")


@pytest.mark.promise("P25")
def test_after_a_change_of_address_all_mail_goes_to_the_new_one(ana: User, as_: Any) -> None:
    """And the old one hears that it was changed (fault 60)."""
    client = Client()
    sign_in(client, ana.email)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.post(reverse("account_email"), {"email": "ana.new@example.org", "action_add": ""})
    assert answer["Location"] == reverse("account_email_verification_sent")
    ana.refresh_from_db()
    assert ana.email == "ana@example.org"  # the old one counts until the new one has proven itself

    [mail] = mails_to("ana.new@example.org")
    client.post(reverse("account_email_verification_sent"), {"code": code_in(mail), "action": "verify"})
    ana.refresh_from_db()
    assert ana.email == "ana.new@example.org"
    assert list(EmailAddress.objects.filter(user=ana).values_list("email", flat=True)) == ["ana.new@example.org"]
    [notice] = mails_to("ana@example.org")
    assert notice.kind == "account.email_changed" and "no longer opens your account" in words_of(notice)
    assert "ana.new@example.org" not in words_of(notice)

    assert address_of(ana.pk) == "ana.new@example.org"
    cache.clear()
    Client().post(reverse("account_reset_password"), {"email": "ana@example.org"})
    Client().post(reverse("account_reset_password"), {"email": "ana.new@example.org"})
    resets = [m.address for m in OutgoingMail.objects.filter(kind="account.password_reset_code")]
    assert resets == ["ana.new@example.org"]


@pytest.mark.promise("P25")
def test_changing_the_address_asks_for_the_password_first(ana: User) -> None:
    client = Client()
    sign_in(client, ana.email)
    answer = client.post(reverse("account_email"), {"email": "ana.new@example.org", "action_add": ""})
    assert answer.status_code == 302 and reverse("account_reauthenticate") in answer["Location"]
    assert not OutgoingMail.objects.exists()


@pytest.mark.promise("P25")
def test_taking_an_address_of_somebody_else_tells_nothing(ana: User, ben: User) -> None:
    client = Client()
    sign_in(client, ana.email)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.post(reverse("account_email"), {"email": ben.email, "action_add": ""})
    assert answer["Location"] == reverse("account_email_verification_sent")
    [mail] = mails_to(ben.email)
    client.post(reverse("account_email_verification_sent"), {"code": code_in(mail), "action": "verify"})
    ben.refresh_from_db()
    ana.refresh_from_db()
    assert (ana.email, ben.email) == ("ana@example.org", "ben@example.org")
    assert EmailAddress.objects.filter(email=ben.email, verified=True).get().user == ben


def test_signing_out_is_a_press_and_is_written_down(ana: User, as_: Any) -> None:
    client = as_(ana)
    client.get(reverse("account_logout"))
    assert client.get(reverse("accounts:profile")).status_code == 200  # looking at the page changes nothing
    answer = client.post(reverse("account_logout"))
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get(reverse("accounts:profile")).status_code == 302
    assert AccessEvent.objects.get(action=Action.SIGN_OUT).actor_id == ana.pk


def test_looking_at_any_account_page_changes_nothing(ana: User, as_: Any) -> None:
    """Robots, previews and prefetching only ever GET (fault 64)."""
    from allauth.mfa.models import Authenticator
    from django.urls import get_resolver

    from portal.agreements.models import Agreement

    def state() -> list[Any]:
        ana.refresh_from_db()
        tables = (EmailAddress, Authenticator, Agreement, OutgoingMail, User)
        return [ana.password, ana.email, ana.is_active, *(table.objects.count() for table in tables)]

    names = [
        name for name in get_resolver().reverse_dict
        if isinstance(name, str) and name.startswith(("account_", "mfa_", "usersessions_"))
    ]
    own = [f"accounts:{name}" for name in ("start", "sign_up", "profile", "close", "closed", "extend", "resume")]
    before = state()
    tried = 0
    for name in [*names, *own]:
        try:
            url = reverse(name)
        except Exception:  # needs an argument: the address of one passkey
            continue
        for client in (as_(ana), Client()):
            client.get(url, HTTP_USER_AGENT="BingPreview/1.0b")
            client.head(url)
        tried += 1
    assert tried > 25 and state() == before


@pytest.mark.promise("P25")
@pytest.mark.parametrize("name", ["account_email", "account_change_password", "accounts:profile"])
def test_plain_words_about_password_and_mailbox_stand_where_they_are_set(as_: Any, ana: User, name: str) -> None:
    assert "Two things only you can protect" in as_(ana).get(reverse(name)).content.decode()


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(ana: User, url: str) -> None:
    answer = Client().post(reverse("account_login"), {"login": ana.email, "password": PASSWORD, "next": url})
    assert "evil" not in answer["Location"] and "javascript" not in answer["Location"]


def test_a_form_without_its_token_is_refused_with_a_page(ana: User) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("account_login"), {"login": ana.email, "password": PASSWORD})
    assert answer.status_code == 403 and "<main" in answer.content.decode()
    assert PASSWORD not in answer.content.decode()


@pytest.mark.promise("P18")
def test_one_can_see_ones_sign_ins_and_end_the_others(ana: User) -> None:
    here, there = Client(), Client()
    sign_in(here, ana.email, HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)")
    sign_in(there, ana.email, HTTP_USER_AGENT="Library computer")
    page = here.get(reverse("usersessions_list")).content.decode()
    assert page.count("from address") == 2 and page.count("This device") == 1
    here.post(reverse("usersessions_list"))
    assert there.get(reverse("accounts:profile")).status_code == 302
    assert here.get(reverse("accounts:profile")).status_code == 200


def test_no_mail_of_allauth_is_without_words_of_ours() -> None:
    """Each template prefix that allauth can send has a kind in the outbox."""
    import pathlib
    import re

    import allauth

    from portal.outbox.registry import mail_of

    root = pathlib.Path(allauth.__file__).parent
    sent: set[str] = set()
    for file in [*root.glob("account/**/*.py"), *root.glob("mfa/**/*.py")]:
        sent |= set(re.findall(r'"(?:account|mfa)/email/(\w+)"', file.read_text()))
    off = {"unknown_account", "login_code", "password_reset_key"}  # never leave
    assert len(sent) > 12
    for name in sent - off:
        assert mail_of(f"account.{name}")


def test_every_account_mail_renders_without_a_hole(db: None) -> None:
    from portal.accounts.mails import CODES, NOTICES
    from portal.outbox.registry import MailContext, mail_of

    secret = {"code": "ABCD-EFGH", "at": "2026-03-01T18:00:00+00:00", "ip": "203.0.113.9"}
    for name in [*CODES, *NOTICES]:
        text = mail_of(f"account.{name}").render(MailContext({}, secret, None)).text
        assert "Clear Lake Skin" in text and "{" not in text and "&" not in text, name
        if name in CODES and name != "account_already_exists":
            assert "    ABCD-EFGH\n" in text
