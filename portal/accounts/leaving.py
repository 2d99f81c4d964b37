"""Closing a sign-in for good, so that nothing of its address stays with it (P28)."""

from __future__ import annotations

from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import LEFT_DOMAIN, User
from portal.accounts.services import sessions_erase
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose


def account_leave(*, by: Actor, account_id: UUID) -> list[str]:
    """Close the account for good: no address, no password, no second factor, no session.

    Returns the addresses that it had, the sign-in address first; the caller sees to it that they are
    never written to. Leaving twice is once, and gives none. Raises ``NotVisible``, and ``DomainError``
    for staff.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=account_id).first()
        if user is None:
            raise NotVisible
        if user.is_staff:
            raise DomainError("staff_account", _("The clinic's owner closes the accounts of staff. Please ask them."))
        if user.has_left:
            return []
        others = EmailAddress.objects.filter(user=user).exclude(email=user.email).values_list("email", flat=True)
        addresses = [user.email, *others]
        EmailAddress.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        user.email, user.closed_at, user.is_active = f"{user.pk.hex}@{LEFT_DOMAIN}", timezone.now(), False
        user.set_unusable_password()
        user.save(update_fields=["email", "closed_at", "is_active", "password"])
        sessions_erase(account_id=user.pk)
        access_record(
            by=by, action=Action.REVOKE, purpose=Purpose.TAILORING, subject_id=None, object_kind="accounts.user",
            object_id=user.pk, basis="left",
        )
    return addresses
