"""The public pages, and what is shown when something is wrong. Nothing here reads a record."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from portal.agreements import selectors
from portal.agreements.models import PolicyKind, PolicyVersion
from portal.context_processors import clinic_identity
from portal.pages.selectors import policy_text


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What it is and what it costs; who is signed in goes on to the own start page."""
    if request.user.is_authenticated:
        return redirect("admin:index" if request.user.is_staff else settings.LOGIN_REDIRECT_URL)
    return render(request, "pages/home.html")


@login_not_required
@require_safe
def how_it_works(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/how_it_works.html", {"adult_age": settings.ADULT_AGE})


@login_not_required
@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    """Whom to ask, and how to report a concern or complain (P50 to P52)."""
    return render(request, "pages/questions.html")


@login_not_required
@require_safe
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """The text in force today."""
    kind = _kind(slug)
    try:
        version = selectors.current(kind)
    except PolicyVersion.DoesNotExist as error:
        raise Http404 from error
    return _policy_page(request, version)


@login_not_required
@require_safe
def policy_version(request: HttpRequest, slug: str, version: str) -> HttpResponse:
    """One version, past ones too: they stay readable with their dates (P03)."""
    if not version.isprintable():  # the database takes no NUL, not even to look for it
        raise Http404
    found = get_object_or_404(selectors.versions(_kind(slug)), version=version)
    return _policy_page(request, found)


def _kind(slug: str) -> PolicyKind:
    try:
        return PolicyKind(slug.replace("-", "_"))
    except ValueError as error:
        raise Http404 from error


def _policy_page(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    kind = PolicyKind(version.kind)
    in_force = selectors.current(kind)
    return render(request, "pages/policy.html", {
        "policy": version,
        "text": policy_text(kind, version.version),
        "versions": selectors.versions(kind),
        "in_force": in_force,
        "slug": version.kind.replace("_", "-"),
    })


@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """The button of the idle warning: the request itself keeps the session alive (RULES 6.9)."""
    return HttpResponse(status=204)


@login_not_required
@require_safe
@cache_control(public=True, max_age=86_400)
def robots(request: HttpRequest) -> HttpResponse:
    """Only public pages may be indexed."""
    closed = ("/accounts/", "/admin/", "/billing/", "/home/", "/privacy/", "/record/", "/progress/")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
@cache_control(public=True, max_age=86_400)
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a weakness of the site (RFC 9116)."""
    expires = timezone.now().replace(microsecond=0) + dt.timedelta(days=180)
    lines = [
        f"Contact: mailto:{settings.CLINIC_OFFICER_EMAIL}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        "Preferred-Languages: en",
        f"Canonical: {settings.SITE_URL}{reverse('pages:security_txt')}",
        f"Policy: {settings.SITE_URL}{reverse('pages:questions')}#security",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error_page(request, 500)


def _error_page(request: HttpRequest, status: int) -> HttpResponse:
    """Rendered without the request: whatever failed (database, session) must not fail here again."""
    return HttpResponse(render_to_string(f"{status}.html", {"clinic": clinic_identity()}), status=status)
