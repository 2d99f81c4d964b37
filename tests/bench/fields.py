"""A page with 60 encrypted values against the same page out of plain columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.row import BenchRow, timed_row

if TYPE_CHECKING:
    from django.test import Client

NEEDS_DATABASE = True
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ROWS = 20  # of three values each


def rows() -> list[BenchRow]:
    from django.test import Client, override_settings

    from portal.accounts.models import User
    from tests.crypto.testapp.models import Everything, Plain

    Everything.objects.all().delete()
    Plain.objects.all().delete()
    for number in range(ROWS):
        words = {"name": f"Person {number}", "notes": "Dry skin in winter, a little red. " * 3, "email": "a@b.example"}
        Everything.objects.create(birth_date=None, answers={"not": "shown"}, **words)
        Plain.objects.create(**words)
    client = Client()
    client.force_login(User.objects.create_user("bench-fields@example.org"), backend=BACKEND)
    with override_settings(ROOT_URLCONF="tests.bench.urls"):
        return [
            timed_row(
                "page with 60 encrypted values", "the page with plain columns",
                lambda: _get(client, "/bench/plain/"), lambda: _get(client, "/bench/encrypted/"),
                goal=2.2, extra="signed in, whole stack; unshown columns stay closed",
            )
        ]


def _get(client: Client, address: str, times: int = 20) -> None:
    for _ in range(times):
        answer = client.get(address)
        if answer.status_code != 200 or b"Person 19" not in answer.content:
            raise AssertionError(answer.status_code)
