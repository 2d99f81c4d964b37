"""What stands in front of a view: who, how fresh the sign-in, and that one press is one deed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID, uuid4

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse

from portal.context import Actor
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


def role_required(*roles: Role) -> Callable[[View[P]], View[P]]:
    """Only these roles; others get "not found", visitors the sign-in page."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.actor.role == Role.ANONYMOUS:
                return redirect_to_login(request.get_full_path())
            if request.actor.role not in roles:
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

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

        return guarded

    return decorate


def recent_sign_in_required(view: View[P]) -> View[P]:
    """Ask for the password again before a sensitive step (P18).

    A stale POST is sent to the page itself by GET, so that no form data is put into the
    session while the person signs in anew (allauth would keep and replay the body).
    """

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        from allauth.account.internal.flows.reauthentication import did_recently_authenticate

        if not did_recently_authenticate(request):
            url = reverse("account_reauthenticate")
            return redirect(f"{url}?next={resolve_url(request.path)}")
        return view(request, *args, **kwargs)

    return guarded


def visible_or_404(queryset: models.QuerySet[M], **lookup: Any) -> M:
    """The object out of what this person may see at all, or "not found"."""
    found = queryset.filter(**lookup).first()
    if found is None:
        raise Http404
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
    return cast(bool, cache.add(f"form-key:{key}", 1, timeout=seconds))
