"""Which texts hold today, and what somebody agreed to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from portal.agreements.models import Agreement, PolicyKind, PolicyVersion
from portal.dates import today

AT_SIGN_UP = (PolicyKind.PRIVACY_POLICY, PolicyKind.TERMS_OF_SERVICE)


def current(kind: PolicyKind, *, on: dt.date | None = None) -> PolicyVersion:
    """The version in force on ``on`` (today). Raises ``PolicyVersion.DoesNotExist`` if none is."""
    versions = PolicyVersion.objects.filter(kind=kind, effective_on__lte=on or today())
    found = versions.order_by("-effective_on", "-published_at").first()
    if found is None:
        raise PolicyVersion.DoesNotExist
    return found


def current_for_sign_up() -> list[PolicyVersion]:
    """The versions that a new account agrees to."""
    return [current(kind) for kind in AT_SIGN_UP]


def versions(kind: PolicyKind) -> QuerySet[PolicyVersion]:
    """All versions of a text, newest first; past ones stay readable (P03)."""
    return PolicyVersion.objects.filter(kind=kind).order_by("-effective_on")


def agreements_of(account_id: UUID) -> QuerySet[Agreement]:
    """What an account agreed to, newest first."""
    return Agreement.objects.filter(account_id=account_id).select_related("policy").order_by("-agreed_at")


def agreed_accounts(account_ids: Iterable[UUID], kind: PolicyKind) -> set[UUID]:
    """Which of these accounts agreed to a text of this kind, of whatever version, and have not taken it back."""
    held = Agreement.objects.filter(account_id__in=set(account_ids), policy__kind=kind, withdrawal=None)
    return set(held.values_list("account_id", flat=True))
