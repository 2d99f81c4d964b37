"""The people of the tests. Each fixture is one persona, by the names the whole suite uses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.permissions import Role

PASSWORD = "a long walk by the lake"


def account(email: str, role: Role, name: str) -> User:
    """An account that could sign in: its address is verified."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email, PASSWORD, role=role, display_name=name)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    """After a test that commits, only what is there is deleted: see ``tests/emptying.py``."""
    from django.test import TransactionTestCase

    from tests.emptying import empty

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _self: empty())
        yield


@pytest.fixture(autouse=True)
def _no_notice_remembered() -> None:
    """What the process remembers of the public notices of another test (``privacy.incidents.selectors``)."""
    from privacy.incidents.selectors import notices_forget

    notices_forget()


@pytest.fixture
def ana(db: None) -> User:
    """A patient. Her record is ``records_for_ana``'s business."""
    return account("ana@example.org", Role.PATIENT, "Ana Okafor")


@pytest.fixture
def ben(db: None) -> User:
    """Another patient."""
    return account("ben@example.org", Role.PATIENT, "Ben Tran")


@pytest.fixture
def guardian(db: None) -> User:
    return account("gwen@example.org", Role.GUARDIAN, "Gwen Okafor")


@pytest.fixture
def clinician(db: None) -> User:
    return account("karin@clinic.example", Role.CLINICIAN, "Karin Lind")


@pytest.fixture
def other_clinician(db: None) -> User:
    return account("omar@clinic.example", Role.CLINICIAN, "Omar Haddad")


@pytest.fixture
def support(db: None) -> User:
    return account("sue@clinic.example", Role.SUPPORT, "Sue Park")


@pytest.fixture
def officer(db: None) -> User:
    return account("mia@clinic.example", Role.OFFICER, "Mia Soto")


@pytest.fixture
def owner(db: None) -> User:
    return account("olga@clinic.example", Role.OWNER, "Olga Berg")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The one Chromium of the run: a second driver in the same thread would not start.

    Its event loop runs in the thread of the tests, which Django must not take for async code.
    """
    from playwright.sync_api import sync_playwright

    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def as_() -> Callable[[User | None], Client]:
    """``as_(ana)`` is Ana's browser, just signed in; ``as_(None)`` a visitor's."""

    def browser(user: User | None, **options: Any) -> Client:
        client = Client(**options)
        if user is not None:
            client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
            session = client.session  # what allauth notes when somebody has typed the password
            session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
            session["account_authentication_methods_user"] = str(user.pk)
            session.save()
        return client

    return browser
