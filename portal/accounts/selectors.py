"""Reading accounts: addresses for the outbox, names for pages."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from portal.accounts.models import LEFT_DOMAIN, Suspension, User
from portal.permissions import STAFF_ROLES, Role


def address_of(account_id: UUID) -> str | None:
    """Where mail for this account goes *now*, or None if it is closed or unknown."""
    return addresses_of([account_id]).get(account_id)


def addresses_of(account_ids: Iterable[UUID]) -> dict[UUID, str]:
    """``address_of`` for many accounts, one query. Closed and unknown ones are left out."""
    found = User.objects.filter(pk__in=set(account_ids), closed_at=None)
    return dict(found.values_list("pk", "email"))


def reopenable() -> QuerySet[User]:
    """Sign-ins that people closed and that can be opened again; who left for good is not among them (P28)."""
    return User.objects.filter(closed_at__isnull=False).exclude(email__endswith=f"@{LEFT_DOMAIN}")


def running() -> QuerySet[Suspension]:
    """Stops of sign-ins and devices that are not lifted."""
    return Suspension.objects.filter(lifted_at=None)


def is_suspended(account_id: UUID) -> bool:
    """True while the whole account is stopped."""
    return running().filter(account_id=account_id, device="").exists()


def display_names(account_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names for showing, one query for any number of accounts. Unnamed accounts are left out."""
    wanted = {account_id for account_id in account_ids if account_id is not None}
    users = User.objects.filter(pk__in=wanted).only("id", "display_name")
    return {user.pk: user.display_name for user in users if user.display_name}


def staff_of(*roles: Role) -> list[UUID]:
    """Ids of the active accounts with one of these staff roles."""
    wanted = [role.value for role in roles if role in STAFF_ROLES]
    return list(User.objects.filter(role__in=wanted, is_active=True).values_list("pk", flat=True))
