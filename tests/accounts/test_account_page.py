"""One's own account page, closing it, and how the clinic opens it again (P30)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from portal.accounts import services
from portal.accounts.models import User
from portal.accounts.selectors import address_of, display_names, staff_of
from portal.audit.models import AccessEvent, Action
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Role
from tests.accounts.conftest import NEW_PASSWORD, code_in, mails_to, words_of
from tests.accounts.test_sign_in import sign_in


@pytest.mark.promise("P30")
@pytest.mark.promise("P23")
def test_the_account_page_leads_to_everything_about_signing_in(as_: Any, ana: User) -> None:
    page = as_(ana).get(reverse("accounts:profile")).content.decode()
    names = ("account_email", "account_change_password", "mfa_index", "usersessions_list", "account_logout")
    for name in (*names, "accounts:close"):
        assert reverse(name) in page
    assert ana.email in page


@pytest.mark.promise("P30")
def test_closing_signs_out_everywhere_and_keeps_the_record(as_: Any, ana: User) -> None:
    here, there = as_(ana), as_(ana)
    assert here.get(reverse("accounts:close")).status_code == 200
    assert there.get(reverse("accounts:profile")).status_code == 200
    answer = here.post(reverse("accounts:close"))
    assert answer["Location"] == reverse("accounts:closed")
    assert here.get(reverse("accounts:closed")).status_code == 200
    for client in (here, there):
        assert client.get(reverse("accounts:profile")).status_code == 302
    ana.refresh_from_db()
    assert not ana.is_active and ana.closed_at is not None
    assert not UserSession.objects.filter(user=ana).exists()
    assert sign_in(Client(), ana.email)["Location"] == reverse("account_inactive")
    assert address_of(ana.pk) is None
    [mail] = mails_to(ana.email)
    assert mail.kind == "account.closed" and "Your record is kept" in words_of(mail)


@pytest.mark.promise("P30")
def test_looking_at_the_close_page_closes_nothing(as_: Any, ana: User) -> None:
    client = as_(ana)
    for _ in range(3):
        client.get(reverse("accounts:close"))
    client.head(reverse("accounts:close"))
    ana.refresh_from_db()
    assert ana.is_active


@pytest.mark.promise("P18")
def test_closing_asks_for_the_password_again_when_it_was_long_ago(as_: Any, ana: User) -> None:
    client = as_(ana)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 301}]
    session.save()
    for method in (client.get, client.post):
        answer = method(reverse("accounts:close"))
        assert answer.status_code == 302
        assert answer["Location"] == f"{reverse('account_reauthenticate')}?next=%2Faccount%2Fclose%2F"
    ana.refresh_from_db()
    assert ana.is_active


def test_staff_cannot_close_their_own_account(as_: Any, clinician: User) -> None:
    answer = as_(clinician).post(reverse("accounts:close"), follow=True)
    assert "owner closes the accounts of staff" in answer.content.decode()
    clinician.refresh_from_db()
    assert clinician.is_active


def test_closing_twice_changes_nothing(ana: User) -> None:
    services.account_close(by=ana.actor)
    services.account_close(by=ana.actor)
    assert len(mails_to(ana.email)) == 1


@pytest.mark.promise("P30")
@pytest.mark.parametrize("persona", ["support", "officer", "owner"])
def test_the_clinic_opens_a_closed_account_again(request: Any, as_: Any, ana: User, persona: str) -> None:
    services.account_close(by=ana.actor)
    desk = as_(request.getfixturevalue(persona))
    page = desk.get(reverse("admin:closed_accounts"))
    assert page.status_code == 200 and ana.email in page.content.decode()
    desk.post(reverse("admin:closed_accounts"), {"account": str(ana.pk)})
    assert sign_in(Client(), ana.email)["Location"] == "/home/"
    assert [m.kind for m in mails_to(ana.email)] == ["account.closed", "account.reopened"]
    kinds = set(AccessEvent.objects.filter(object_id=ana.pk).values_list("action", flat=True))
    assert {Action.REVOKE, Action.GRANT} <= kinds


@pytest.mark.parametrize("persona", ["clinician", "ana", "guardian"])
def test_nobody_else_opens_accounts_again(request: Any, as_: Any, ben: User, persona: str) -> None:
    services.account_close(by=ben.actor)
    client = as_(request.getfixturevalue(persona))
    assert client.post(reverse("admin:closed_accounts"), {"account": str(ben.pk)}).status_code in (302, 404)
    ben.refresh_from_db()
    assert not ben.is_active
    with pytest.raises(NotVisible):
        services.account_reopen(by=Actor(None, Role.CLINICIAN), account_id=ben.pk)


@pytest.mark.parametrize("account", ["", "nonsense", "7f1d3b0e-0000-4000-8000-000000000000"])
def test_opening_what_is_not_closed_is_not_found(as_: Any, support: User, account: str) -> None:
    assert as_(support).post(reverse("admin:closed_accounts"), {"account": account}).status_code == 404


def test_support_sees_the_state_of_accounts_and_changes_nothing(as_: Any, support: User, ana: User) -> None:
    client = as_(support)
    page = client.get(reverse("admin:accounts_user_changelist"))
    assert page.status_code == 200 and ana.email in page.content.decode()
    detail = client.get(reverse("admin:accounts_user_change", args=[ana.pk]))
    assert detail.status_code == 200
    for secret in ("Ana Okafor", ana.password):
        assert secret not in page.content.decode() and secret not in detail.content.decode()
    client.post(reverse("admin:accounts_user_change", args=[ana.pk]), {"role": "owner", "is_active": ""})
    ana.refresh_from_db()
    assert ana.role == Role.PATIENT and ana.is_active


@pytest.mark.parametrize("persona", ["clinician", "ana"])
def test_others_see_no_list_of_accounts(request: Any, as_: Any, persona: str) -> None:
    answer = as_(request.getfixturevalue(persona)).get(reverse("admin:accounts_user_changelist"))
    assert answer.status_code in (302, 403, 404)


def test_the_list_of_accounts_costs_the_same_for_few_and_many(
    as_: Any, support: User, django_assert_max_num_queries: Any
) -> None:
    client = as_(support)
    client.get(reverse("admin:accounts_user_changelist"))
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:accounts_user_changelist"))
        counts.append(len(queries))
        for n in range(20):
            User.objects.create_user(f"p{number}.{n}@example.org")
    assert counts[0] == counts[1]


def test_a_staff_account_is_made_and_its_owner_sets_the_password_by_mail(capsys: Any) -> None:
    call_command("make_staff", "Lena@Clinic.example", "clinician", "--name", "Lena Voss")
    said = capsys.readouterr().out
    assert reverse("account_reset_password") in said
    user = User.objects.get(email="lena@clinic.example")
    assert user.role == Role.CLINICIAN and not user.has_usable_password()
    assert sign_in(Client(), user.email, "anything at all").status_code == 200

    client = Client()
    client.post(reverse("account_reset_password"), {"email": user.email})
    done = client.post(
        reverse("account_confirm_password_reset_code"), {"code": code_in(mails_to(user.email)[0])}
    )
    client.post(done["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert sign_in(Client(), user.email, NEW_PASSWORD)["Location"] == reverse("admin:index")
    assert EmailAddress.objects.get(user=user).verified


@pytest.mark.parametrize(
    "arguments", [("nonsense", "officer"), ("karin@clinic.example", "owner"), ("x@y.org", "patient")]
)
def test_a_staff_account_needs_a_free_address_and_a_staff_role(clinician: User, arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        call_command("make_staff", *arguments, "--name", "X")
    assert User.objects.count() == 1


def test_selectors_answer_in_one_query(ana: User, clinician: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert display_names([ana.pk, clinician.pk, None]) == {ana.pk: "Ana Okafor", clinician.pk: "Karin Lind"}
    assert staff_of(Role.CLINICIAN, Role.PATIENT) == [clinician.pk]
    assert address_of(ana.pk) == "ana@example.org"


def test_names_of_accounts_show_no_person(ana: User) -> None:
    assert str(ana) == f"account {ana.pk}"


@pytest.mark.parametrize("email", ["A@example.org", " ana@example.org "])
def test_two_accounts_never_differ_by_case_only(ana: User, email: str) -> None:
    user = User.objects.create_user(email.replace("A@", "Zoe@"), None) if "A@" in email else None
    if user is not None:
        assert user.email == "zoe@example.org"
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ANA@example.org")
