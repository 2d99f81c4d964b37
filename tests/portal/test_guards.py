"""What stands in front of a view, each guard by itself."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from django import forms
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory

from portal.accounts.models import User
from portal.context import ANONYMOUS, Actor
from portal.errors import NotAllowed, NotVisible
from portal.guards import (
    FormKeyField,
    claim_form_key,
    permission_required,
    recent_sign_in_required,
    role_required,
    visible_or_404,
)
from portal.permissions import ROLE_TABLE, Permission, Role


def page(request: Any) -> HttpResponse:
    return HttpResponse("inside")


def asked_by(role: Role) -> Any:
    request: Any = RequestFactory().get("/somewhere/?page=2")
    request.actor = ANONYMOUS if role == Role.ANONYMOUS else Actor(uuid4(), role)
    return request


@pytest.mark.promise("P21")
@pytest.mark.parametrize("role", list(Role))
def test_a_page_for_one_role_is_not_found_by_the_others(role: Role) -> None:
    guarded = role_required(Role.CLINICIAN)(page)
    if role == Role.CLINICIAN:
        assert guarded(asked_by(role)).content == b"inside"
    elif role == Role.ANONYMOUS:
        answer = guarded(asked_by(role))
        assert answer.status_code == 302 and answer["Location"].endswith("?next=/somewhere/%3Fpage%3D2")
    else:
        with pytest.raises(NotAllowed):
            guarded(asked_by(role))


@pytest.mark.promise("P21")
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", [Permission.QUEUE_VIEW, Permission.ACCOUNTS_REOPEN, Permission.PAY])
def test_a_page_for_a_verb_follows_the_role_table(role: Role, permission: Permission) -> None:
    guarded = permission_required(permission)(page)
    if permission in ROLE_TABLE[role]:
        assert guarded(asked_by(role)).content == b"inside"
    elif role == Role.ANONYMOUS:
        assert guarded(asked_by(role)).status_code == 302
    else:
        with pytest.raises(NotAllowed):
            guarded(asked_by(role))


def test_what_one_may_not_see_is_the_same_as_nothing(ana: User, ben: User) -> None:
    own = User.objects.filter(pk=ana.pk)
    assert visible_or_404(own, pk=ana.pk) == ana
    for other in (ben.pk, uuid4()):
        with pytest.raises(NotVisible):
            visible_or_404(own, pk=other)


def sensitive(as_: Any, user: User, at: float, method: str = "get") -> HttpResponse:
    request: Any = getattr(RequestFactory(), method)("/sensitive/", {"secret": "typed"})
    request.session, request.user = as_(user).session, user
    request.session["account_authentication_methods"] = [{"method": "password", "at": at}]
    return recent_sign_in_required(page)(request)


@pytest.mark.promise("P18")
@pytest.mark.parametrize(("ago", "inside"), [(0, True), (299, True), (301, False), (86_400, False)])
def test_a_sensitive_step_needs_a_proof_of_the_last_five_minutes(as_: Any, ana: User, ago: int, inside: bool) -> None:
    answer = sensitive(as_, ana, time.time() - ago)
    assert (answer.status_code == 200) is inside
    if not inside:
        assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fsensitive%2F"


def test_a_stale_post_is_not_kept_while_the_person_signs_in_anew(as_: Any, ana: User) -> None:
    answer = sensitive(as_, ana, time.time() - 400, "post")
    assert answer.status_code == 302 and "typed" not in answer["Location"]


def test_a_passkey_is_as_good_a_proof_as_a_password(as_: Any, ana: User) -> None:
    request: Any = RequestFactory().get("/sensitive/")
    request.session, request.user = as_(ana).session, ana
    request.session["account_authentication_methods"] = [
        {"method": "mfa", "type": "webauthn", "passwordless": True, "at": time.time()}
    ]
    assert recent_sign_in_required(page)(request).status_code == 200


def test_five_presses_carry_one_key_and_do_one_deed(db: None) -> None:
    cache.clear()

    class Form(forms.Form):
        form_key = FormKeyField()

    key = UUID(str(Form()["form_key"].value()))
    assert UUID(str(Form()["form_key"].value())) != key
    assert [claim_form_key(key) for _ in range(5)] == [True, False, False, False, False]
    assert claim_form_key(uuid4())


def test_a_form_without_its_key_is_refused() -> None:
    class Form(forms.Form):
        form_key = FormKeyField()

    assert not Form({}).is_valid() and not Form({"form_key": "x"}).is_valid()
    assert Form({"form_key": str(uuid4())}).is_valid()
