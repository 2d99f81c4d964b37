"""Passwords: long, whole, in one Unicode form, kept with Argon2id, and no rules about their make-up."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from portal.accounts.adapter import AccountAdapter
from portal.accounts.hashers import ClinicArgon2Hasher
from portal.accounts.models import User
from portal.accounts.passwords import NotAboutYouValidator


def accepted(password: str, email: str = "") -> bool:
    try:
        AccountAdapter().clean_password(password, User(email=email))
    except ValidationError:
        return False
    return True


@pytest.mark.promise("P18")
@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("fourteen signs", False),  # 14
        ("fifteen signs !", True),  # 15
        ("a" * 14, False),
        ("heron " * 10 + "heron", True),  # 65
        ("w" + "ord " * 100, True),  # 401
        ("🌊🦆🌲🛶⛺🔥🌙🐟🪵🧭🏕🌧🦢🐸🪶", True),  # 15 emoji
        ("🌊🦆🌲🛶⛺🔥🌙🐟🪵🧭🏕🌧🦢🐸", False),  # 14 emoji
        ("all lower case and plain", True),
        ("               ", True),  # 15 spaces count as signs
        (" spaces at both ends ", True),
    ],
)
def test_only_the_length_counts_not_the_make_up(password: str, fine: bool) -> None:
    assert accepted(password) is fine


def test_signs_are_counted_after_composing_them() -> None:
    """Fourteen letters with an accent are fourteen, also when each arrives as two code points."""
    decomposed = unicodedata.normalize("NFD", "é" * 14)
    assert len(decomposed) == 28
    assert not accepted(decomposed)
    assert accepted(unicodedata.normalize("NFD", "éàüöñ éàüöñ éàüöñ"))


def test_the_same_password_matches_from_any_keyboard(db: None) -> None:
    user = User.objects.create_user("nora@example.org", unicodedata.normalize("NFD", "façade über Ñandú"))
    assert user.check_password(unicodedata.normalize("NFC", "façade über Ñandú"))
    assert user.check_password(unicodedata.normalize("NFD", "façade über Ñandú"))


@pytest.mark.parametrize("length", [64, 73, 128, 1000])
def test_a_long_password_is_never_cut(db: None, length: int) -> None:
    password = ("water lily " * 100)[:length]
    user = User.objects.create_user("nora@example.org", password)
    assert user.check_password(password)
    assert not user.check_password(password[:-1]) and not user.check_password(password + "x")


@pytest.mark.parametrize(
    "password",
    [
        "Clear Lake Skin PLLC", "clear-lake-skin, pllc", "ClearLakeSkin2026", "clear lake skin clear lake skin",
        "nora.lindqvist@example.org", "NORA.LINDQVIST@EXAMPLE.ORG", "nora.lindqvist1990", "my patient portal",
        "skin clinic portal 1",
    ],
)
def test_the_clinics_name_and_ones_own_address_are_too_easy(password: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        NotAboutYouValidator().validate(password, User(email="nora.lindqvist@example.org"))
    assert "easy to guess" in refusal.value.messages[0] and "short sentence" in refusal.value.messages[0]


@pytest.mark.parametrize(
    "password", ["at clear lake skin is wet", "nora.lindqvist likes ducks", "my patient portal is blue"]
)
def test_a_sentence_may_hold_those_words(password: str) -> None:
    NotAboutYouValidator().validate(password, User(email="nora.lindqvist@example.org"))


def test_passwords_that_everybody_uses_are_refused() -> None:
    with pytest.raises(ValidationError, match="common"):
        validate_password("1q2w3e4r5t6y7u8i9o0p", User())


def test_argon2_runs_at_no_less_than_its_floor() -> None:
    encoded = ClinicArgon2Hasher().encode("a long walk by the lake", "some salt of ours")
    assert encoded.startswith("argon2$argon2id$")
    cost = dict(part.split("=") for part in encoded.split("$")[3].split(","))
    assert int(cost["m"]) >= 19_456 and int(cost["t"]) >= 2 and cost["p"] == "1"
    assert ClinicArgon2Hasher().verify("a long walk by the lake", encoded)


@pytest.mark.promise("P23")
def test_changing_the_password_ends_other_sign_ins_and_mails_a_notice(as_: Any, ana: User) -> None:
    from tests.accounts.conftest import NEW_PASSWORD, mails_to, words_of
    from tests.conftest import PASSWORD

    here, there = as_(ana), as_(ana)
    assert there.get(reverse("accounts:profile")).status_code == 200
    page = here.get(reverse("accounts:profile")).content.decode()
    assert reverse("account_change_password") in page
    answer = here.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )
    assert answer.status_code == 302 and answer["Location"] == reverse("accounts:profile")
    assert here.get(reverse("accounts:profile")).status_code == 200
    assert there.get(reverse("accounts:profile")).status_code == 302
    [mail] = mails_to(ana.email)
    assert mail.kind == "account.password_changed" and mail.account_id == ana.pk
    assert "was changed" in words_of(mail) and "127.0.0.1" in words_of(mail)
    ana.refresh_from_db()
    assert ana.check_password(NEW_PASSWORD)


def test_changing_the_password_needs_the_present_one(as_: Any, ana: User) -> None:
    answer = as_(ana).post(
        reverse("account_change_password"),
        {"oldpassword": "not it at all, sorry", "password1": "x" * 3 + "yz" * 9, "password2": "x" * 3 + "yz" * 9},
    )
    assert answer.status_code == 200
    ana.refresh_from_db()
    assert ana.check_password("a long walk by the lake")


def test_pasting_and_password_managers_work(policies: Any) -> None:
    page = Client().get(reverse("account_login")).content.decode()
    assert 'autocomplete="current-password"' in page and 'autocomplete="email"' in page
    assert "onpaste" not in page
