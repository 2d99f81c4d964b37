"""What happens to accounts: closing, opening again, removing who never proved an address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress
from allauth.core.internal.httpkit import get_client_ip
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.selectors import is_suspended
from portal.agreements.personal_data import erase_for as erase_agreements
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from portal.outbox.personal_data import erase_for as erase_mails
from portal.outbox.services import mail_queue
from portal.permissions import STAFF_ROLES, Permission, Purpose, Role, require
from portal.subjects import Subject


def remote_address(request: HttpRequest) -> str:
    """The client's address as the rate limits see it: past our own proxies only (fault 67)."""
    return get_client_ip(request) or ""


def sessions_end(*, account_id: UUID, keep: str = "") -> int:
    """Sign an account out everywhere but in the session ``keep``. Returns the sessions ended."""
    listed = UserSession.objects.filter(user_id=account_id).exclude(session_key=keep)
    keys = list(listed.values_list("session_key", flat=True))
    return sessions_end_of(session_keys=keys)


def sessions_end_of(*, session_keys: Iterable[str]) -> int:
    """End these sessions and take them off the list of sign-ins. Returns how many there were."""
    keys = list(session_keys)
    ended, _by_model = Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    return ended


def sessions_erase(*, account_id: UUID) -> int:
    """Remove every session of an account, also one that allauth does not list. Returns how many.

    Opens each row to see whose it is (about 20 µs a row): for an erasure, not for a page.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    ended = sessions_end(account_id=account_id)
    keys = [
        row.session_key
        for row in Session.objects.iterator(chunk_size=500)
        if str(account_id) in _accounts_in(store.decode(row.session_data))
    ]
    removed, _by_model = Session.objects.filter(session_key__in=keys).delete()
    return ended + removed


def _accounts_in(content: dict[str, Any]) -> set[str]:
    """The accounts that a session belongs to, or is about to belong to once the code is typed."""
    pending = content.get("account_login") or {}
    waiting = [pending.get("user_pk"), (content.get("account_email_verification_code") or {}).get("user_id")]
    waiting.append((content.get("account_password_reset_verification") or {}).get("user_id"))
    return {str(content.get(SESSION_KEY)), *(str(UUID(found)) for found in waiting if found)}


@transaction.atomic
def account_close(*, by: Actor) -> None:
    """Close one's own sign-in (P30): signed out everywhere, the record stays, the clinic can undo it.

    Raises ``DomainError`` for staff, whose accounts the clinic closes.
    """
    user = User.objects.select_for_update().get(pk=by.account_id or uuid4())
    if user.is_staff:
        raise DomainError("staff_account", _("The clinic's owner closes the accounts of staff. Please ask them."))
    if user.closed_at is not None:
        return
    user.closed_at = timezone.now()
    user.is_active = False
    user.save(update_fields=["closed_at", "is_active"])
    sessions_end(account_id=user.pk)
    access_record(
        by=by, action=Action.REVOKE, purpose=Purpose.TAILORING, subject_id=None,
        object_kind="accounts.user", object_id=user.pk, basis="closed_by_owner",
    )
    _tell(user, "closed")


@transaction.atomic
def account_close_merged(*, by: Actor, account_id: UUID, kept_id: UUID) -> bool:
    """Close a second sign-in of a person whose two records were made one (B 19).

    Both addresses are told, and neither is named to the other: a mailbox may be somebody else's by
    now. Opened again it would show no record. False when it was closed already.
    """
    require(by, Permission.RECORDS_MERGE)
    user = User.objects.select_for_update().get(pk=account_id)
    kept = User.objects.get(pk=kept_id)
    if user.is_staff:
        raise DomainError("staff_account", _("The clinic's owner closes the accounts of staff. Please ask them."))
    if user.closed_at is not None:
        return False
    user.closed_at = timezone.now()
    user.is_active = False
    user.save(update_fields=["closed_at", "is_active"])
    sessions_end(account_id=user.pk)
    access_record(
        by=by, action=Action.REVOKE, purpose=Purpose.OPERATIONS, subject_id=None,
        object_kind="accounts.user", object_id=user.pk, basis="merged",
    )
    _tell(user, "merged_closed")
    _tell(kept, "merged_kept")
    return True


@transaction.atomic
def account_reopen(*, by: Actor, account_id: UUID) -> None:
    """Open a closed sign-in again, by the clinic. Raises ``NotVisible`` when there is none closed."""
    require(by, Permission.ACCOUNTS_REOPEN)
    user = User.objects.select_for_update().filter(pk=account_id, closed_at__isnull=False).first()
    if user is None or user.has_left:
        raise NotVisible
    user.closed_at = None
    user.is_active = not is_suspended(user.pk)
    user.save(update_fields=["closed_at", "is_active"])
    access_record(
        by=by, action=Action.GRANT, purpose=Purpose.SUPPORT, subject_id=None,
        object_kind="accounts.user", object_id=user.pk, basis="reopened",
    )
    _tell(user, "reopened")


def _tell(user: User, name: str) -> None:
    """A notice to the address itself: a closed account is no longer in the address book."""
    mail_queue(
        kind=f"account.{name}", account_id=user.pk, address=user.email, once_key=f"account.{name}:{uuid4()}",
        secret={"at": timezone.now().isoformat()},
    )


def unproven() -> QuerySet[User]:
    """Accounts of patients and guardians that never proved their address."""
    proven = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    people = User.objects.filter(role__in=[Role.PATIENT, Role.GUARDIAN], last_login=None)
    return people.filter(~Exists(proven))


@transaction.atomic
def account_unproven_remove(*, email: str) -> bool:
    """Remove the account of an address that was never proven, so that sign-up can start again.

    False when there is none or when the address has been proven. Whoever reads the mailbox
    decides: the code goes there, whatever password was chosen before (fault 62).
    """
    user = unproven().select_for_update().filter(email=email.lower()).first()
    if user is None:
        return False
    _remove(user)
    return True


def accounts_purge_unverified() -> int:
    """Remove accounts whose address was not proven in time, with their agreements (P02)."""
    before = timezone.now() - dt.timedelta(hours=settings.UNVERIFIED_ACCOUNT_HOURS)
    removed = 0
    for account_id in unproven().filter(date_joined__lte=before).values_list("pk", flat=True):
        with transaction.atomic():
            user = unproven().select_for_update(skip_locked=True).filter(pk=account_id).first()
            if user is not None:
                _remove(user)
                removed += 1
    return removed


def _remove(user: User) -> None:
    """Everything that a sign-up left: mails, agreements, addresses, the account."""
    subject = Subject(subject_id=user.pk, account_ids=(user.pk,))
    erase_mails(subject)
    erase_agreements(subject)
    user.delete()


def staff_create(*, email: str, role: Role, name: str) -> User:
    """Make a staff account nobody can sign in to yet: the mailed reset code sets its password.

    Raises ``DomainError`` when the role is not staff's or the address is taken.
    """
    if role not in STAFF_ROLES:
        raise DomainError("not_staff", _("This is not a role of staff."), "role")
    if User.objects.filter(email=email.strip().lower()).exists():
        raise DomainError("email_taken", _("There is already an account with this address."), "email")
    with transaction.atomic():
        user = User.objects.create_user(email, None, role=role, display_name=name)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
        access_record(
            by=SYSTEM, action=Action.CREATE, purpose=Purpose.OPERATIONS, subject_id=None,
            object_kind="accounts.user", object_id=user.pk, basis=f"role:{role.value}",
        )
    return user
