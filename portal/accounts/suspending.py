"""Stopping a sign-in, or one device of it, that is misused or in the wrong hands (P56).

It ends the sign-ins and refuses new ones. The record is untouched and so are the person's rights:
they can still write, call or report, and staff enter requests for them.
"""

from __future__ import annotations

import ipaddress
from uuid import UUID, uuid4

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from portal.accounts.models import Suspension, SuspensionReason, User
from portal.accounts.selectors import running
from portal.accounts.services import sessions_end_of, sessions_erase
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.outbox.services import mail_queue
from portal.permissions import Permission, Purpose, require


def account_suspend(*, by: Actor, account_id: UUID, reason: SuspensionReason, note: str) -> Suspension:
    """Stop the whole account: signed out everywhere, no new sign-in, its owner told by mail.

    Suspending twice is once. Raises ``NotVisible`` for no such account, ``DomainError``:
    ``note_missing``, ``own_account``.
    """
    user, why = _asked(by, account_id, note)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        there = running().filter(account_id=user.pk, device="").first()
        if there is not None:
            return there
        row = _place(by, user, SuspensionReason(reason), why)
        user.is_active = False
        user.save(update_fields=["is_active"])
        sessions_erase(account_id=user.pk)
        _tell(user, "suspended")
    return row


def device_suspend(*, by: Actor, session_id: int, reason: SuspensionReason, note: str) -> Suspension:
    """Stop one device of an account, as its list of sign-ins shows it; others go on.

    A device is a browser on a network: the same account on the same browser and network is refused.
    """
    sign_in = UserSession.objects.filter(pk=session_id).first()
    if sign_in is None:
        require(by, Permission.ACCOUNTS_SUSPEND)
        raise NotVisible
    user, why = _asked(by, sign_in.user_id, note)
    device = device_hash(user.pk, sign_in.user_agent, sign_in.ip or "")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        there = running().filter(account_id=user.pk, device=device).first()
        if there is not None:
            return there
        row = _place(by, user, SuspensionReason(reason), why, device=device, device_words=sign_in.user_agent[:300])
        same = [
            one.session_key for one in UserSession.objects.filter(user_id=user.pk)
            if device_hash(user.pk, one.user_agent, one.ip or "") == device
        ]
        sessions_end_of(session_keys=same)
        _tell(user, "device_suspended")
    return row


def suspension_lift(*, by: Actor, suspension_id: UUID, note: str) -> Suspension:
    """End a stop. The account opens again unless another stop or its owner keeps it closed."""
    require(by, Permission.ACCOUNTS_SUSPEND)
    why = note.strip()
    if not why:
        raise DomainError("note_missing", _("Write down why it ends."), "note")
    with transaction.atomic():
        row = Suspension.objects.select_for_update().filter(pk=suspension_id).first()
        if row is None:
            raise NotVisible
        if row.lifted_at is not None:
            return row
        row.lifted_by, row.lifted_at, row.lift_note = by.account, timezone.now(), why
        row.save(update_fields=["lifted_by", "lifted_at", "lift_note"])
        user = User.objects.select_for_update().filter(pk=row.account_id).first()
        if user is not None and not row.device:
            user.is_active = user.closed_at is None
            user.save(update_fields=["is_active"])
            _tell(user, "unsuspended")
        _record(by, Action.GRANT, row)
    return row


def device_is_suspended(account_id: UUID, user_agent: str, ip: str) -> bool:
    """True when this browser on this network is stopped for this account."""
    device = device_hash(account_id, user_agent, ip)
    return running().filter(account_id=account_id, device=device).exists()


def device_hash(account_id: UUID, user_agent: str, ip: str) -> str:
    """Browser and network as one keyed hash, different for each account: it follows nobody around."""
    text = f"{account_id}\n{user_agent}\n{_network(ip)}"
    return str(salted_hmac("portal.accounts.device", text, algorithm="sha256").hexdigest())


def _network(ip: str) -> str:
    """The network of an address: phones change the last part of theirs all day."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    bits = 24 if address.version == 4 else 56
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def _asked(by: Actor, account_id: UUID, note: str) -> tuple[User, str]:
    require(by, Permission.ACCOUNTS_SUSPEND)
    why = note.strip()
    if not why:
        raise DomainError("note_missing", _("Write down what happened."), "note")
    if account_id == by.account:
        raise DomainError("own_account", _("You cannot stop your own sign-in. Ask another officer."))
    user = User.objects.filter(pk=account_id).first()
    if user is None:
        raise NotVisible
    return user, why


def _place(
    by: Actor, user: User, reason: SuspensionReason, why: str, *, device: str = "", device_words: str = ""
) -> Suspension:
    row = Suspension.objects.create(
        account_id=user.pk, reason=reason, note=why, placed_by=by.account, placed_at=timezone.now(), device=device,
        device_words=device_words,
    )
    _record(by, Action.REVOKE, row)
    return row


def _record(by: Actor, action: Action, row: Suspension) -> None:
    what = "device" if row.device else "account"
    access_record(
        by=by, action=action, purpose=Purpose.ABUSE, subject_id=None, object_kind="accounts.user",
        object_id=row.account_id, basis=f"suspended:{what}:{row.reason}",
    )


def _tell(user: User, name: str) -> None:
    if user.has_left:  # nothing is mailed to them again (P28)
        return
    mail_queue(
        kind=f"account.{name}", account_id=user.pk, address=user.email, once_key=f"account.{name}:{uuid4()}",
        secret={"at": timezone.now().isoformat()},
    )
