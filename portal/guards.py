"""What stands in front of a view: who, how fresh the sign-in, and that one press is one deed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID, uuid4

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django import forms
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from portal.context import Actor
from portal.errors import NotAllowed, NotVisible
from portal.permissions import Permission, Role, require

P = ParamSpec("P")
M = TypeVar("M", bound=models.Model)


class AccountLike(Protocol):
    """The part of the user model that code below the accounts app may lean on."""

    id: UUID
    is_authenticated: bool


class PortalRequest(HttpRequest):
    """Any request: ``actor`` is set by the accounts middleware."""

    actor: Actor


class AuthRequest(PortalRequest):
    """A request of somebody signed in."""

    account_id: UUID


View = Callable[Concatenate[Any, P], HttpResponse]


class AsksAgain(HttpResponseRedirect):
    """Leads to where somebody signed in proves anew who they are.

    A form that was sent is not lost on the way: ``portal.accounts.middleware`` gives it back (fault 41).
    """


def role_required(*roles: Role) -> Callable[[View[P]], View[P]]:
    """Only these roles; others get "not found", visitors the sign-in page."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.actor.role == Role.ANONYMOUS:
                return redirect_to_login(request.get_full_path())
            if request.actor.role not in roles:
                raise NotAllowed("role")
            return view(request, *args, **kwargs)

        return cast(View[P], guarded)

    return decorate


def permission_required(permission: Permission) -> Callable[[View[P]], View[P]]:
    """Only roles with this permission; others get "not found", visitors the sign-in page."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.actor.role == Role.ANONYMOUS:
                return redirect_to_login(request.get_full_path())
            require(request.actor, permission)
            return view(request, *args, **kwargs)

        return cast(View[P], guarded)

    return decorate


def shown_proofs(request: Any) -> list[dict[str, Any]]:
    """What the signed-in person has shown in this session, oldest first.

    Each is ``{"method": "password" | "mfa" | ..., "at": unix seconds, "type": "totp" | "webauthn" | ...}``.
    The one place that reads allauth's own records; another account's records count for nothing.
    """
    return list(get_authentication_records(request, request.user))


def second_factor_shown(request: Any) -> bool:
    """True when this session has seen a second factor or a passkey of this account."""
    return any(proof.get("method") == "mfa" for proof in shown_proofs(request))


def signed_in_recently(request: Any) -> bool:
    """True when the newest proof, of whatever kind, is young enough for a sensitive step (P18)."""
    newest = max((float(proof["at"]) for proof in shown_proofs(request)), default=0.0)
    return timezone.now().timestamp() - newest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def recent_sign_in_required(view: View[P]) -> View[P]:
    """Ask for the password or passkey again before a sensitive step (P18).

    No form data is put into the session while the person signs in anew (allauth would keep and
    replay the body): a stale POST gets its words back sealed, in the page (``AsksAgain``).
    """

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not signed_in_recently(request):
            ways = get_adapter(request).get_reauthentication_methods(request.user)
            url = ways[0]["url"] if ways else reverse("account_login")
            return AsksAgain(f"{url}?{urlencode({'next': request.path})}")
        return view(request, *args, **kwargs)

    return cast(View[P], guarded)


def visible_or_404(queryset: models.QuerySet[M], **lookup: Any) -> M:
    """The object out of what this person may see at all, or "not found"."""
    found = queryset.filter(**lookup).first()
    if found is None:
        raise NotVisible
    return found


class FormKeyField(forms.UUIDField):
    """A hidden one-use key: five presses of a button carry the same key, and do one deed.

    Services store it in a unique column of the row they make; where no row is made,
    ``claim_form_key`` marks it as used.
    """

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("initial", uuid4)
        super().__init__(**kwargs)


def claim_form_key(key: UUID, *, seconds: int = 86_400) -> bool:
    """True for the first caller with this key, False for all later ones (kept for a day)."""
    return cache.add(f"form-key:{key}", 1, timeout=seconds)
