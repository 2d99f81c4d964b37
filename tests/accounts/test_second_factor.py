"""The second factor: staff get nowhere without one, nobody loops, and secrets are sealed (P18)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.guards import second_factor_shown, shown_proofs
from portal.permissions import STAFF_ROLES
from tests.accounts.conftest import NEW_PASSWORD, code_in, mails_to
from tests.accounts.test_sign_in import sign_in
from tests.conftest import PASSWORD

SECRET = "JBSWY3DPEHPK3PXP"
PROFILE = "accounts:profile"
pytestmark = pytest.mark.promise("P18")


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.STAFF_MFA_REQUIRED = True


def code_now(secret: str = SECRET) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def proofs_of(client: Client, user: User) -> list[dict[str, Any]]:
    """As the guards read them."""
    from django.test import RequestFactory

    request: Any = RequestFactory().get("/")
    request.session, request.user = client.session, user
    return shown_proofs(request)


def passkey(user: User) -> Authenticator:
    return Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Phone", "credential": {}}
    )


@pytest.mark.parametrize("persona", ["clinician", "officer", "support", "owner"])
@pytest.mark.parametrize("path", ["/account/", "/admin/", "/accounts/email/", "/accounts/password/change/"])
def test_staff_without_a_factor_get_only_to_the_page_that_sets_it_up(
    request: Any, as_: Any, persona: str, path: str
) -> None:
    user = request.getfixturevalue(persona)
    assert user.role in STAFF_ROLES
    client = as_(user)
    for method in (client.get, client.post):
        answer = method(path)
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))
    assert client.get(reverse("mfa_index")).status_code == 200


def test_patients_are_offered_a_second_step_and_not_forced(as_: Any, ana: User) -> None:
    page = as_(ana).get(reverse(PROFILE))
    assert page.status_code == 200 and reverse("mfa_index") in page.content.decode()


def test_public_pages_and_signing_out_stay_open_to_staff_without_a_factor(as_: Any, clinician: User) -> None:
    client = as_(clinician)
    assert client.get(reverse("pages:how_it_works")).status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_setting_up_an_app_opens_the_way_at_once(clinician: User) -> None:
    """Password, set-up, recovery codes, work: no page sends them round in a circle."""
    client = Client()
    assert sign_in(client, clinician.email)["Location"] == reverse("admin:index")
    assert client.get(reverse(PROFILE))["Location"] == reverse("mfa_index")
    assert client.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
    assert answer.status_code == 302
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(reverse(PROFILE)).status_code == 200
    assert [m.kind for m in mails_to(clinician.email)] == ["account.totp_activated"]


def test_a_session_older_than_the_factor_is_asked_for_it_without_a_loop(as_: Any, clinician: User) -> None:
    client = as_(clinician)
    TOTP.activate(clinician, SECRET)
    answer = client.get(reverse(PROFILE))
    assert answer["Location"] == f"{reverse('mfa_reauthenticate')}?next=%2Faccount%2F"
    assert client.get(answer["Location"]).status_code == 200
    answer = client.post(answer["Location"], {"code": code_now()})
    assert answer["Location"] == reverse(PROFILE)
    assert client.get(reverse(PROFILE)).status_code == 200


def test_a_passkey_only_account_is_asked_for_the_passkey(as_: Any, clinician: User) -> None:
    passkey(clinician)
    answer = as_(clinician).get(reverse(PROFILE))
    assert answer["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))


def test_an_old_session_cannot_step_round_the_factor_by_adding_another(as_: Any, clinician: User) -> None:
    client = as_(clinician)
    passkey(clinician)
    set_up = ("mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes")
    for name in (*set_up, "account_reauthenticate"):
        answer = client.get(reverse(name))
        assert answer.status_code == 302 and answer["Location"].startswith(reverse("mfa_reauthenticate_webauthn")), name


def test_signing_in_with_the_app_counts(clinician: User) -> None:
    TOTP.activate(clinician, SECRET)
    client = Client()
    answer = sign_in(client, clinician.email)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse(PROFILE)).status_code == 302  # half way in is not in
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(reverse(PROFILE)).status_code == 200


def test_the_records_that_the_guards_read_are_as_allauth_writes_them(clinician: User) -> None:
    """The contract with allauth's private records: method, at, type, of this account only."""
    TOTP.activate(clinician, SECRET)
    client = Client()
    sign_in(client, clinician.email)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    password, factor = proofs_of(client, clinician)
    assert password["method"] == "password" and factor["method"] == "mfa" and factor["type"] == "totp"
    assert abs(float(factor["at"]) - time.time()) < 60


def test_a_passkey_sign_in_counts(as_: Any, clinician: User) -> None:
    """What allauth notes after a sign-in by passkey alone (tried in a browser)."""
    key = passkey(clinician)
    client = as_(clinician)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "mfa", "at": time.time(), "id": key.pk, "type": "webauthn", "passwordless": True}
    ]
    session.save()
    assert client.get(reverse(PROFILE)).status_code == 200


def test_the_proofs_of_another_account_count_for_nothing(as_: Any, clinician: User, officer: User) -> None:
    passkey(clinician)
    client = as_(clinician)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
    session["account_authentication_methods_user"] = str(officer.pk)
    session.save()
    assert client.get(reverse(PROFILE)).status_code == 302


def test_a_reset_password_does_not_get_round_the_second_factor(clinician: User) -> None:
    TOTP.activate(clinician, SECRET)
    client = Client()
    client.post(reverse("account_reset_password"), {"email": clinician.email})
    done = client.post(
        reverse("account_confirm_password_reset_code"), {"code": code_in(mails_to(clinician.email)[0])}
    )
    client.post(done["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    fresh = Client()
    assert sign_in(fresh, clinician.email, NEW_PASSWORD)["Location"] == reverse("mfa_authenticate")


def test_a_code_works_once(clinician: User) -> None:
    TOTP.activate(clinician, SECRET)
    code = code_now()
    for number, expected in enumerate((302, 200)):
        client = Client()
        sign_in(client, clinician.email)
        assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == expected, number


def test_a_recovery_code_opens_when_the_phone_is_lost_and_works_once(clinician: User) -> None:
    TOTP.activate(clinician, SECRET)
    codes = RecoveryCodes.activate(clinician).get_unused_codes()
    for expected in (302, 200):
        client = Client()
        sign_in(client, clinician.email)
        assert client.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == expected


def confirmed(client: Client) -> Client:
    """Somebody who showed the factor and confirmed it again just now."""
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time()},
        {"method": "mfa", "at": time.time(), "type": "totp", "reauthenticated": True},
    ]
    session.save()
    return client


def test_staff_cannot_remove_their_last_factor(as_: Any, clinician: User) -> None:
    TOTP.activate(clinician, SECRET)
    client = confirmed(as_(clinician))
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=clinician, type="totp").exists()

    passkey(clinician)
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=clinician, type="totp").exists()


def test_patients_may_remove_theirs(as_: Any, ana: User) -> None:
    TOTP.activate(ana, SECRET)
    confirmed(as_(ana)).post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=ana).exists()
    assert [m.kind for m in mails_to(ana.email)] == ["account.totp_deactivated"]


@pytest.mark.promise("P17")
def test_the_secrets_of_factors_cannot_be_read_in_the_database(ana: User) -> None:
    TOTP.activate(ana, SECRET)
    codes = RecoveryCodes.activate(ana)
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in stored and "gAAAA" in stored
    assert not any(code in stored for code in codes.get_unused_codes())
    again = Authenticator.objects.get(user=ana, type="totp").wrap()
    assert again.validate_code(code_now())


def test_the_setting_can_be_off_in_a_trial(settings: Any, as_: Any, clinician: User) -> None:
    settings.STAFF_MFA_REQUIRED = False
    assert as_(clinician).get(reverse(PROFILE)).status_code == 200


def test_second_factor_shown_reads_the_session_only(ana: User, as_: Any) -> None:
    from django.test import RequestFactory

    request: Any = RequestFactory().get("/")
    request.session, request.user = as_(ana).session, ana
    assert not second_factor_shown(request)
