"""What follows from a sign-in, a sign-out, a wrong password and a new second factor."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import password_changed, password_reset, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_out, user_login_failed

from portal.accounts.adapter import FACTORS
from portal.accounts.models import User
from portal.accounts.services import remote_address
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import ANONYMOUS, Actor
from portal.guards import shown_proofs
from portal.permissions import Purpose


def _record(by: Actor, action: Action, user: Any, basis: str = "") -> None:
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=None,
        object_kind="accounts.user", object_id=getattr(user, "pk", None), basis=basis,
    )


def signed_in(request: Any, user: User, **_: Any) -> None:
    proofs = ".".join(str(proof.get("type") or proof["method"]) for proof in shown_proofs(request))
    _record(user.actor, Action.SIGN_IN, user, basis=f"by:{proofs}"[:120])


def signed_out(request: Any, user: User | None, **_: Any) -> None:
    request.signed_out = True
    if user is not None:
        _record(user.actor, Action.SIGN_OUT, user, basis=getattr(request, "signed_out_because", ""))


def sign_in_failed(credentials: dict[str, Any], request: Any = None, **_: Any) -> None:
    """The address of the client is kept, so that an attack can be seen; the typed words are not."""
    email = str(credentials.get("email") or credentials.get("username") or "").lower()
    user = User.objects.only("pk").filter(email=email).first() if email else None
    ip = remote_address(request) if request is not None else ""
    _record(ANONYMOUS, Action.SIGN_IN_FAILED, user, basis=f"ip:{ip}" if ip else "")


def password_new(user: User, **_: Any) -> None:
    _record(user.actor, Action.CHANGE, user, basis="password")


def factor_added(request: Any, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Making the first factor is a proof of it: whoever just did need not show it once more.

    A later factor counts for nothing here, or a session without the first could step round it.
    """
    _record(user.actor, Action.CHANGE, user, basis=f"factor_added:{authenticator.type}")
    if authenticator.type not in FACTORS:
        return
    if Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk).exists():
        return
    record_authentication(request, user, method="mfa", id=authenticator.pk, type=authenticator.type)


def factor_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    _record(user.actor, Action.CHANGE, user, basis=f"factor_removed:{authenticator.type}")


def connect_all() -> None:
    """Called once at start."""
    for signal, receiver in (
        (user_logged_in, signed_in), (user_logged_out, signed_out), (user_login_failed, sign_in_failed),
        (password_changed, password_new), (password_reset, password_new),
        (authenticator_added, factor_added), (authenticator_removed, factor_removed),
    ):
        signal.connect(receiver, dispatch_uid=f"accounts.{receiver.__name__}.{id(signal)}")
