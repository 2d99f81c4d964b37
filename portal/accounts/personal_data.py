"""What an account holds about a person, allauth's and Django's tables included."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from portal.accounts.models import Suspension, User
from portal.accounts.services import sessions_erase
from portal.permissions import STAFF_ROLES
from portal.subjects import FieldClass, Subject

_USER = ("id", "password", "last_login", "role", "time_zone", "is_active", "date_joined", "closed_at")
_SUSPENSION = (
    "id", "account_id", "device", "reason", "placed_by", "placed_at", "lifted_by", "lifted_at",
)
_TRAINING = (
    "id", "account_id", "course", "done_on", "valid_until", "recorded_by", "recorded_at", "withdrawn_by",
    "withdrawn_at",
)
_ADDRESS = ("id", "user", "verified", "primary")
_CONFIRMATION = ("id", "email_address", "created", "sent", "key")
_FACTOR = ("id", "user", "type", "data", "created_at", "last_used_at")
_SIGN_IN = ("id", "user", "created_at", "last_seen_at", "session_key", "data")
_SESSION = ("session_key", "session_data", "expire_date")
_OP = FieldClass.OPERATIONAL
FIELDS: dict[str, dict[str, FieldClass]] = {
    "accounts.User": {
        **dict.fromkeys(_USER, _OP), "email": FieldClass.IDENTIFIER, "display_name": FieldClass.IDENTIFIER,
    },
    "accounts.Suspension": {
        **dict.fromkeys(_SUSPENSION, _OP),
        **dict.fromkeys(("note", "lift_note", "device_words"), FieldClass.IDENTIFIER),
    },
    "accounts.TrainingRecord": dict.fromkeys(_TRAINING, _OP),
    "account.EmailAddress": {**dict.fromkeys(_ADDRESS, _OP), "email": FieldClass.IDENTIFIER},
    "account.EmailConfirmation": dict.fromkeys(_CONFIRMATION, _OP),
    "mfa.Authenticator": dict.fromkeys(_FACTOR, _OP),
    "usersessions.UserSession": {
        **dict.fromkeys(_SIGN_IN, _OP), "ip": FieldClass.IDENTIFIER, "user_agent": FieldClass.IDENTIFIER,
    },
    "sessions.Session": dict.fromkeys(_SESSION, _OP),
}
_SIGN_IN_ADDRESS = "sign-in and reset must find the account by its address"
_STATE = "ids, states and times that sign-in asks for; a password is kept as a salted hash only"
CLEAR_TEXT: dict[str, str] = {
    "accounts.User.email": _SIGN_IN_ADDRESS,
    "account.EmailAddress.email": _SIGN_IN_ADDRESS,
    "usersessions.UserSession.ip": "the person must see from where somebody signed in, to end it",
    "usersessions.UserSession.user_agent": "the person must recognise the device, to end its sign-in",
    **{f"accounts.User.{name}": _STATE for name in _USER},
    **{f"accounts.Suspension.{name}": "ids, a keyed hash, a code and times that sign-in asks for"
       for name in _SUSPENSION},
    **{f"accounts.TrainingRecord.{name}": "ids of staff, a code and days: the roster needs them" for name in _TRAINING},
    **{f"account.EmailAddress.{name}": _STATE for name in _ADDRESS},
    **{f"account.EmailConfirmation.{name}": "stays empty: codes are used, not links" for name in _CONFIRMATION},
    **{
        f"mfa.Authenticator.{name}": "ids and times; the secret inside data is sealed under the field keys"
        for name in _FACTOR
    },
    **{f"usersessions.UserSession.{name}": _STATE for name in _SIGN_IN},
    **{
        f"sessions.Session.{name}": "random key and time; the content is sealed under the field keys"
        for name in _SESSION
    },
}
RETAINED: dict[str, str] = {
    "accounts.TrainingRecord": "of staff, whose accounts are never erased: proof that they were trained (RULES 1.61)",
    "accounts.Suspension": "proof of who stopped a sign-in and why: ids, codes and dates; the device's words are wiped",
}


def export_for(subject: Subject) -> dict[str, Any]:
    """The accounts: address, name, times, second factors by kind, and where they are signed in."""
    accounts = []
    for user in User.objects.filter(pk__in=subject.account_ids).order_by("date_joined"):
        factors = Authenticator.objects.filter(user=user).order_by("created_at")
        sign_ins = UserSession.objects.filter(user=user).order_by("created_at")
        accounts.append(
            {
                **_account(user),
                "addresses": [
                    {"email": a.email, "verified": a.verified, "primary": a.primary}
                    for a in EmailAddress.objects.filter(user=user)
                ],
                "second_factors": [
                    {"kind": f.type, "added_at": f.created_at.isoformat(), "last_used_at": _when(f.last_used_at)}
                    for f in factors
                ],
                "signed_in": [
                    {
                        "since": s.created_at.isoformat(), "last_seen_at": s.last_seen_at.isoformat(),
                        "internet_address": s.ip, "device": s.user_agent,
                    }
                    for s in sign_ins
                ],
            }
        )
    return {"accounts": accounts}


def archive_for(subject: Subject) -> dict[str, Any]:
    """Who could sign in to the record; sessions and factors are of no use in seven years."""
    users = User.objects.filter(pk__in=subject.account_ids).order_by("date_joined")
    return {"accounts": [_account(user) for user in users]}


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove the accounts with their addresses, factors and sessions. Returns rows per model.

    Accounts of staff are never removed this way. The caller names the person's own accounts only:
    a guardian's account lives on when a child's record goes.
    """
    removed: dict[str, int] = {}
    for user in User.objects.filter(pk__in=subject.account_ids).exclude(role__in=STAFF_ROLES):
        removed["sessions.Session"] = removed.get("sessions.Session", 0) + sessions_erase(account_id=user.pk)
        _rows, by_model = user.delete()
        for label, count in by_model.items():
            removed[label] = removed.get(label, 0) + count
    Suspension.objects.filter(account_id__in=subject.account_ids).update(device_words="", note="", lift_note="")
    return {label: count for label, count in removed.items() if count}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Nothing: ``account_close_merged`` closes the sign-in that does not survive."""
    return {}



def _account(user: User) -> dict[str, Any]:
    return {
        "id": str(user.pk),
        "email": user.email,
        "role": user.role,
        "name": user.display_name,
        "time_zone": user.time_zone,
        "opened_at": user.date_joined.isoformat(),
        "last_sign_in_at": _when(user.last_login),
        "closed_at": _when(user.closed_at),
        "stopped": [
            {"since": row.placed_at.isoformat(), "why": row.reason, "until": _when(row.lifted_at)}
            for row in Suspension.objects.filter(account_id=user.pk).order_by("placed_at")
        ],
    }


def _when(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
