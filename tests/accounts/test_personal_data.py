"""What the accounts and agreements hold of a person: named, exported, archived and removed."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from portal.accounts import personal_data as accounts
from portal.accounts.models import User
from portal.agreements import personal_data as agreements
from portal.agreements.models import Agreement, AgreementContext, PolicyVersion
from portal.agreements.services import agreement_record
from portal.crypto.base import SealedField
from portal.subjects import FieldClass, Subject
from tests.accounts.test_sign_in import sign_in


@pytest.fixture
def ana_everywhere(ana: User, policies: list[PolicyVersion]) -> Subject:
    """Ana agreed, has a second factor, and is signed in on two devices."""
    agreement_record(by=ana.actor, policies=policies, context=AgreementContext.SIGN_UP, remote_address="203.0.113.7")
    for device in ("Phone", "Library computer"):
        sign_in(Client(), ana.email, HTTP_USER_AGENT=device)
    TOTP.activate(ana, "JBSWY3DPEHPK3PXP")
    return Subject(subject_id=uuid4(), account_ids=(ana.pk,))


@pytest.mark.promise("P05")
@pytest.mark.parametrize("module", [accounts, agreements])
def test_every_field_has_a_class_and_is_encrypted_or_excused(module: Any) -> None:
    for label, fields in module.FIELDS.items():
        model = apps.get_model(label)
        assert {f.name for f in model._meta.concrete_fields} == set(fields), label
        for field in model._meta.concrete_fields:
            sealed = isinstance(field, SealedField)
            excused = f"{label}.{field.name}" in module.CLEAR_TEXT
            assert sealed != excused, f"{label}.{field.name}"
            if sealed:
                assert fields[field.name] in (FieldClass.IDENTIFIER, FieldClass.CLINICAL)


def test_the_copy_tells_what_is_held_about_signing_in(ana_everywhere: Subject, ana: User) -> None:
    copy = {**accounts.export_for(ana_everywhere), **agreements.export_for(ana_everywhere)}
    [account] = copy["accounts"]
    assert account["email"] == ana.email and account["name"] == "Ana Okafor"
    assert {s["device"] for s in account["signed_in"]} == {"Phone", "Library computer"}
    assert [f["kind"] for f in account["second_factors"]] == ["totp"]
    assert {a["policy"] for a in copy["agreements"]} == {"privacy_policy", "terms_of_service"}
    assert {a["remote_address"] for a in copy["agreements"]} == {"203.0.113.7"}
    text = json.dumps(copy)
    assert ana.password not in text and "JBSWY3DPEHPK3PXP" not in text and "gAAAA" not in text


def test_the_archive_keeps_the_agreements_with_the_digest_of_their_words(ana_everywhere: Subject) -> None:
    lines = agreements.archive_for(ana_everywhere)["agreements"]
    assert len(lines) == 2
    for line in lines:
        policy = PolicyVersion.objects.get(kind=line["policy"], version=line["version"])
        assert line["policy_sha256"] == policy.sha256
    [account] = accounts.archive_for(ana_everywhere)["accounts"]
    assert account["email"] == "ana@example.org" and "signed_in" not in account


@pytest.mark.promise("P39")
def test_erasing_leaves_no_trace_of_the_account(ana_everywhere: Subject, ana: User, ben: User, as_: Any) -> None:
    unlisted = as_(ana)  # a session that allauth's list does not know
    other = as_(ben)
    pending = Client()  # somebody who asked for a new password and has not typed the code
    pending.post(reverse("account_reset_password"), {"email": ana.email})
    assert Session.objects.count() == 5

    counts = {**agreements.erase_for(ana_everywhere), **accounts.erase_for(ana_everywhere)}

    assert counts["accounts.User"] == 1 and counts["agreements.Agreement"] == 2
    assert list(User.objects.all()) == [ben]
    for model in (Agreement, Authenticator, UserSession):
        assert not model.objects.exclude(**{"account_id" if model is Agreement else "user": ben.pk}).exists()
    assert not EmailAddress.objects.filter(email="ana@example.org").exists()
    assert Session.objects.count() == 1
    assert unlisted.get(reverse("accounts:profile")).status_code == 302
    assert other.get(reverse("accounts:profile")).status_code == 200


def test_erasing_twice_removes_nothing_more(ana_everywhere: Subject) -> None:
    for module in (agreements, accounts):
        module.erase_for(ana_everywhere)
        assert module.erase_for(ana_everywhere) == {}


def test_staff_accounts_are_never_erased_this_way(clinician: User) -> None:
    assert accounts.erase_for(Subject(uuid4(), (clinician.pk,))) == {}
    assert User.objects.filter(pk=clinician.pk).exists()


def test_agreements_of_others_stay(ana_everywhere: Subject, ben: User, policies: list[PolicyVersion]) -> None:
    agreement_record(by=ben.actor, policies=policies, context=AgreementContext.SIGN_UP)
    agreements.erase_for(ana_everywhere)
    assert set(Agreement.objects.values_list("account_id", flat=True)) == {ben.pk}
