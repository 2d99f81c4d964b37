"""``manage.py make_staff``: the first accounts of the clinic's people."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.urls import reverse

from portal.accounts.services import staff_create
from portal.errors import DomainError
from portal.permissions import STAFF_ROLES, Role


class Command(BaseCommand):
    """Makes an account that nobody can sign in to until its owner has read a code in their mail."""

    help = "Make an account for a clinician, officer, support person or owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("role", choices=sorted(role.value for role in STAFF_ROLES))
        parser.add_argument("--name", required=True, help="The name that patients and colleagues see.")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip().lower()
        try:
            validate_email(email)
            staff_create(email=email, role=Role(options["role"]), name=options["name"])
        except ValidationError:
            raise CommandError("This is not an email address.") from None
        except DomainError as error:
            raise CommandError(error.message) from None
        address = f"{settings.SITE_URL}{reverse('account_reset_password')}"
        self.stdout.write(
            f"The account is made. Its owner opens {address}, gives this address, and types the code from the mail "
            "to choose a password. The first sign-in then asks for a passkey or a sign-in app."
        )
