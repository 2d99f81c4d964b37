"""Who acts in a request, how long a sign-in lasts, the second factor of staff, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from portal.accounts.adapter import has_factor
from portal.accounts.models import User
from portal.accounts.services import remote_address
from portal.accounts.views import kept_response
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import ANONYMOUS
from portal.errors import NotAllowed, NotVisible
from portal.guards import AsksAgain, second_factor_shown, shown_proofs
from portal.permissions import Purpose

GetResponse = Callable[[Any], HttpResponse]
TOUCH_SECONDS = 60
STARTED, SEEN = "portal_started", "portal_seen"


class ActorMiddleware:
    """Sets ``request.actor``, and the zone in which this person reads times."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        user = request.user
        request.actor = user.actor if user.is_authenticated else ANONYMOUS
        request.account_id = request.actor.account_id
        zone = getattr(user, "time_zone", "") or settings.CLINIC_TIME_ZONE
        with timezone.override(ZoneInfo(zone)):
            return self.get_response(request)


class SessionLimitMiddleware:
    """Ends a sign-in that was idle or has lasted too long, on the server (RULES 7.8).

    The times stand in the session, and "seen" is written once a minute at most. Idleness is
    counted from the last write, so an idle session ends at most a minute late, never early:
    the warning on the page promises its seconds.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.session_touched = False
        if request.user.is_authenticated:
            self._check(request, timezone.now().timestamp())
        response = self.get_response(request)
        if getattr(request, "signed_out", False):
            response.headers["Clear-Site-Data"] = '"cache", "storage"'  # Back shows nothing (fault 48)
        return response

    def _check(self, request: Any, now: float) -> None:
        idle, overall = limits_for(request.user)
        session = request.session
        started = max(session.get(STARTED, 0.0), _last_sign_in(request)) or now
        seen = max(session.get(SEEN, 0.0), started)
        if now - started >= overall:
            self._end(request, "absolute")
        elif now - seen >= idle + TOUCH_SECONDS:
            self._end(request, "idle")
        elif session.get(STARTED) != started or now - seen >= TOUCH_SECONDS:
            session[STARTED], session[SEEN] = started, now
            request.session_touched = True

    def _end(self, request: Any, reason: str) -> None:
        request.expired_account_id = request.account_id
        request.signed_out_because = f"limit:{reason}"
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        logout(request)
        request.actor, request.account_id = ANONYMOUS, None


def limits_for(user: User) -> tuple[int, int]:
    """Idle and overall limits in seconds."""
    if user.is_staff:
        return settings.SESSION_STAFF_IDLE_MINUTES * 60, settings.SESSION_STAFF_HOURS * 3600
    return settings.SESSION_PATIENT_IDLE_MINUTES * 60, settings.SESSION_PATIENT_HOURS * 3600


def _last_sign_in(request: Any) -> float:
    """When the session's person last came through the whole sign-in; confirming again is not one."""
    return max((float(p["at"]) for p in shown_proofs(request) if not p.get("reauthenticated")), default=0.0)


class SessionActivityMiddleware:
    """Keeps the list of sign-ins on the account page true, once a minute at most."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        if request.session_touched and request.user.is_authenticated:
            if not request.session.session_key:
                request.session.save()
            rows = UserSession.objects.filter(session_key=request.session.session_key, user_id=request.user.pk)
            ip = remote_address(request)
            if not rows.update(last_seen_at=timezone.now(), **({"ip": ip} if ip else {})):
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


class ExpiredFormMiddleware:
    """A form sent after the sign-in ended, or grew too old for a delicate step, is not thrown away (fault 41).

    Stands after the check of the CSRF token and before the one for sign-in.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, AsksAgain) and request.method == "POST":
            return kept_response(request, proof_at=response.url) or response
        return response

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if request.user.is_authenticated or not getattr(view, "login_required", True):
            return None
        if request.method != "POST":
            if hasattr(request, "expired_account_id"):
                messages.info(request, _("You were signed out after a while without activity. Please sign in again."))
            return None
        return kept_response(request)


class StaffMfaMiddleware:
    """Staff get no further than their second factor (P18).

    Without one: to the page that sets it up. With one that this session has not shown (it is
    older than the factor): to the page that asks for it. ``reauthenticate`` would loop there,
    since a password never becomes a second factor.
    """

    SET_UP = frozenset(
        {
            "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn", "account_reauthenticate",
            "account_logout", "pages:stay",
        }
    )
    SHOW = frozenset({"mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_logout", "pages:stay"})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not settings.STAFF_MFA_REQUIRED or not request.actor.is_staff:
            return None
        if not getattr(view, "login_required", True) or second_factor_shown(request):
            return None
        here = request.resolver_match.view_name
        if not has_factor(request.user):
            return None if here in self.SET_UP else redirect("mfa_index")
        if here in self.SHOW:
            return None
        ways = get_adapter(request).get_reauthentication_methods(request.user)
        url = next((way["url"] for way in ways if way["id"].startswith("mfa_")), reverse("mfa_reauthenticate"))
        return AsksAgain(f"{url}?{urlencode({'next': request.get_full_path()})}")


class DeniedMiddleware:
    """Each refusal to somebody signed in is recorded; the answer is the same 404 as for nothing."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Any, exception: Exception) -> None:
        if not isinstance(exception, NotVisible) or request.actor == ANONYMOUS:
            return
        match = request.resolver_match
        access_record(
            by=request.actor, action=Action.DENIED, purpose=Purpose.ABUSE, subject_id=None,
            object_kind=f"page.{match.view_name.replace(':', '.').replace('-', '_').lower()}",
            object_id=next((value for value in match.kwargs.values() if isinstance(value, UUID)), None),
            basis=f"{request.method.lower()}:{'role' if isinstance(exception, NotAllowed) else 'not_visible'}",
        )
