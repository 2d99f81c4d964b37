"""The gate, sign-up, the account page, and what happens to a form whose sign-in had ended."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account import views as allauth_views
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.ratelimit import consume
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING, get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts import gate, resume, services
from portal.accounts.adapter import has_factor
from portal.accounts.forms import GateForm, TimeZoneForm
from portal.agreements.models import PolicyKind
from portal.agreements.selectors import agreed_accounts, current_for_sign_up
from portal.agreements.services import notices_by_email
from portal.errors import DomainError
from portal.guards import AuthRequest, PortalRequest, recent_sign_in_required


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: PortalRequest) -> HttpResponse:
    """Age, place and agreement, asked before anything is known of a person and kept nowhere (P02)."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = GateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        passed = form.is_valid()
        if form.age is gate.AgeAnswer.TOO_YOUNG:
            return render(request, "accounts/too_young.html")
        if form.age is gate.AgeAnswer.NEEDS_GUARDIAN:
            return render(request, "accounts/needs_guardian.html")
        if form.age and form.is_elsewhere:
            return render(request, "accounts/elsewhere.html")
        if passed:
            ticket = gate.ticket_for(current_for_sign_up())
            return redirect(f"{reverse('account_signup')}?{urlencode({'ticket': ticket})}")
    return render(request, "accounts/start.html", {"form": form})


@login_not_required
@sensitive_post_parameters("password1")
@transaction.atomic
def sign_up(request: HttpRequest) -> HttpResponse:
    """allauth's sign-up in one transaction: if anything fails, nothing is left (fault 62)."""
    response: HttpResponse = allauth_views.signup(request)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: AuthRequest) -> HttpResponse:
    """One's account: address, password, second step, sign-ins, time zone (P23, P30)."""
    user: Any = request.user
    form = TimeZoneForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.instance.save(update_fields=["time_zone"])
        messages.success(request, _("Saved. Times are now shown in this zone."))
        return redirect("accounts:profile")
    sessions = UserSession.objects.filter(user=user)
    return render(request, "accounts/profile.html", {
        "form": form,
        "has_factor": has_factor(user),
        "session_count": sessions.count(),
        "by_email": bool(agreed_accounts([user.pk], PolicyKind.ELECTRONIC_NOTICES)),
        "pending_address": EmailAddress.objects.filter(user=user, verified=False).first(),
    })


@require_POST
def notices(request: AuthRequest) -> HttpResponse:
    """Legal notices by email, or by letter again (RULES 3.6)."""
    wanted = request.POST.get("wanted") == "yes"
    if notices_by_email(by=request.actor, wanted=wanted, remote_address=services.remote_address(request)):
        text = _("Legal notices now come by email.") if wanted else _("Legal notices now come by letter.")
        messages.success(request, text)
    return redirect("accounts:profile")


@recent_sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: AuthRequest) -> HttpResponse:
    """Close one's sign-in after one clear question; the record stays (P30)."""
    if request.method != "POST":
        return render(request, "accounts/close.html")
    try:
        services.account_close(by=request.actor)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("accounts:profile")
    logout(request)
    return redirect("accounts:closed")


@login_not_required
@require_safe
def closed(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/closed.html")


def sign_in_page(
    request: HttpRequest, *, sealed: str, form: LoginForm | None = None, had_files: bool = False,
    go_on: str = "", status: int = 200,
) -> HttpResponse:
    """The sign-in page that carries a sealed form along."""
    get_token(request)
    return render(request, "accounts/sign_in_again.html", {
        "form": form or LoginForm(request=request), "sealed": sealed, "had_files": had_files, "go_on": go_on,
    }, status=status)


def confirm_page(
    request: HttpRequest, *, sealed: str, proof_at: str = "", form: ReauthenticateForm | None = None,
    had_files: bool = False, status: int = 200,
) -> HttpResponse:
    """The page that asks who it is once more and carries a sealed form along.

    ``proof_at`` is the address of the proof that is asked for; by default the password.
    """
    get_token(request)
    by_password = reverse("account_reauthenticate")
    where = proof_at.partition("?")[0] or by_password
    if form is None and where == by_password:
        form = ReauthenticateForm(user=request.user)
    return render(request, "accounts/confirm_again.html", {
        "form": form, "sealed": sealed, "had_files": had_files,
        "proof_at": f"{where}?{urlencode({'next': reverse('accounts:profile')})}",
    }, status=status)


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_POST
def resume_form(request: Any) -> HttpResponse:
    """Sign in on the page that holds what was typed, then send it with one press (fault 41)."""
    sealed = request.POST.get(resume.FIELD, "")
    if not request.user.is_authenticated:
        answer = _sign_in_with(request, sealed)
    else:
        answer = _confirm_with(request, sealed) if "password" in request.POST else None
    return _kept_page(request, sealed) if answer is None else answer


def _confirm_with(request: Any, sealed: str) -> HttpResponse | None:
    """The password once more, with allauth's own limit; None once it was right."""
    if not consume(request, app="allauth.account", action="reauthenticate", user=request.user):
        messages.error(request, _("That was too many tries. Wait a minute, then press again: nothing is lost."))
        return confirm_page(request, sealed=sealed, status=429)
    form = ReauthenticateForm(request.POST, user=request.user)
    if not form.is_valid():
        return confirm_page(request, sealed=sealed, form=form)
    reauthenticate_by_password(request)
    return None


def _sign_in_with(request: Any, sealed: str) -> HttpResponse | None:
    """allauth's own sign-in, with its limits; None once the person is signed in."""
    if not consume(request, app="allauth.account", action="login"):
        messages.error(request, _("That was too many tries. Wait a minute, then press again: nothing is lost."))
        return sign_in_page(request, sealed=sealed, status=429)
    form = LoginForm(request.POST, request=request) if "login" in request.POST else None
    if form is None or not form.is_valid():
        return sign_in_page(request, sealed=sealed, form=form)
    try:
        response: HttpResponse = form.login(request, redirect_url=reverse("accounts:profile"))
    except ImmediateHttpResponse as stop:
        response = stop.response
    if request.user.is_authenticated:
        request.actor, request.account_id = request.user.actor, request.user.pk
        return None
    return sign_in_page(request, sealed=sealed, go_on=response.headers.get("Location", ""))


def kept_response(request: Any, *, proof_at: str = "") -> HttpResponse | None:
    """The sign-in page with the sealed form in it; None leaves the usual way to sign-in.

    ``proof_at``: the person is signed in, and proves there once more who they are.
    """
    sealed = resume.keep(request) if resume.is_keepable(request) else None
    if sealed is None or (proof_at and resume.is_a_press(request)):
        return None
    if proof_at:
        return confirm_page(request, sealed=sealed, proof_at=proof_at, had_files=bool(request.FILES))
    return sign_in_page(request, sealed=sealed, had_files=bool(request.FILES))


def _kept_page(request: Any, sealed: str, *, status: int = 200) -> HttpResponse:
    kept = resume.unseal(sealed, account=str(request.user.pk))
    if kept is None:
        return render(request, "accounts/not_kept.html", status=410)
    return resume.resume_page(request, kept, status=status)


@login_not_required
def form_out_of_date(request: Any, reason: str = "") -> HttpResponse:
    """A form without the right token: refused. If it came from a page of ours, it is not lost.

    Signing in, in another tab, makes all older pages' tokens stale. What such a page sends is
    shown again with a fresh token, and nothing is done before the person presses; a page that
    needs no sign-in asks for none. A form from any other site gets the bare refusal.
    """
    if _is_own_page(request) and reason != REASON_CSRF_TOKEN_MISSING:
        if request.path_info == reverse("accounts:resume"):
            sealed = request.POST.get(resume.FIELD, "")
            if request.user.is_authenticated:
                return _kept_page(request, sealed, status=403)
            return sign_in_page(request, sealed=sealed, status=403)
        found = resume.keep(request) if resume.is_keepable(request) else None
        if found and (request.user.is_authenticated or resume.is_public(request)):
            return _kept_page(request, found, status=403)
        if found:
            return sign_in_page(request, sealed=found, had_files=bool(request.FILES), status=403)
    return render(request, "accounts/form_refused.html", status=403)


def _is_own_page(request: HttpRequest) -> bool:
    """Browsers name the origin of every form that they send; no other site can put ours there."""
    origin = request.headers.get("Origin", "")
    return bool(origin) and origin != "null" and urlsplit(origin).netloc == request.get_host()
