"""The sign-in form sent with a right password, against the password hasher alone.

With the clinic's own hasher, and through the whole stack: limits, session, access log. Each
sign-in is of another person from another place, so that none meets the limit of sign-ins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.bench.row import MEASUREMENTS, BenchRow, timed_row

if TYPE_CHECKING:
    from django.test import Client

NEEDS_DATABASE = True
PASSWORD = "a long enough sentence for the bench"
HASHER = "portal.accounts.hashers.ClinicArgon2Hasher"
ROUNDS = 21


def rows() -> list[BenchRow]:
    from django.contrib.auth.hashers import check_password, make_password
    from django.test import Client, override_settings

    with override_settings(PASSWORD_HASHERS=[HASHER]):
        encoded = make_password(PASSWORD)
        people = _people(encoded)
        client = Client()
        return [
            timed_row(
                "sign-in", "the password hasher alone", lambda: check_password(PASSWORD, encoded),
                lambda: _sign_in(client, *next(people)), goal=1.2, rounds=ROUNDS,
                extra="the form through the whole stack",
            )
        ]


def _people(encoded: str) -> Iterator[tuple[str, str]]:
    """A proven mail address, and a network address, for each sign-in that can come."""
    from allauth.account.models import EmailAddress

    from portal.accounts.models import User

    users = [
        User(email=f"bench-sign-in-{number}@example.org", password=encoded, role="patient")
        for number in range(MEASUREMENTS * (ROUNDS + 1))
    ]
    User.objects.bulk_create(users)
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users
    )
    return iter([(user.email, f"10.9.0.{number + 1}") for number, user in enumerate(users)])


def _sign_in(client: Client, address: str, remote: str) -> None:
    client.cookies.clear()
    answer = client.post("/accounts/login/", {"login": address, "password": PASSWORD}, REMOTE_ADDR=remote)
    if answer.status_code != 302 or "session" not in answer.cookies:
        raise AssertionError(answer.status_code)
