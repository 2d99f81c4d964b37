"""The page about cookies, the choice, the counter, and what we say to Global Privacy Control. All public."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from portal.accounts.services import remote_address
from privacy.visitors import partner, services
from privacy.visitors.browsers import family_of, is_machine
from privacy.visitors.cookies import Choice, choice_keep, table
from privacy.visitors.forms import ChoiceForm, StayForm
from privacy.visitors.pages import PAGES


@login_not_required
@require_safe
def cookies(request: Any) -> HttpResponse:
    """Every cookie with its purpose and life, what is counted, and the choice (P42)."""
    context = {
        "cookies": table(), "partner": partner.partner(), "pages": [page.name for page in PAGES.values()],
        "keep_years": max(1, round(settings.VISITS_KEEP_DAYS / 365)),
    }
    return render(request, "visitors/cookies.html", context)


# No token: it would need a cookie before anybody was asked. The browser says where the form came from.
@csrf_exempt
@login_not_required
@require_POST
def choose(request: Any) -> HttpResponse:
    """Keep a yes or a no, then go back to the page. A yes for a browser that says no counts for nothing."""
    form = ChoiceForm(request.POST)
    if not form.is_valid() or not from_here(request):
        return redirect("visitors:cookies")
    back = form.cleaned_data["back"]
    here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    response = redirect(back if here else reverse("visitors:cookies"))
    choice_keep(response, chosen(form.cleaned_data["what"], request.visitor.choice or Choice()))
    return response


def chosen(what: str, before: Choice) -> Choice:
    """``decline`` is a no to everything; the others change one thing."""
    match what:
        case "accept":
            return replace(before, counting=True)
        case "partner":
            return replace(before, partner=True)
        case "no_partner":
            return replace(before, partner=False)
    return Choice()


@csrf_exempt
@login_not_required
@require_POST
def count(request: Any) -> HttpResponse:
    """Take note of one visit; the answer is the same whether it was counted or not.

    Above this view the request has lost its sign-in (``VisitorMiddleware``); of what is left, only
    the family of the browser goes on.
    """
    form, told = StayForm(request.POST), request.META.get("HTTP_USER_AGENT", "")
    visitor = request.visitor
    allowed = visitor.choice is not None and visitor.choice.counting and not visitor.says_no
    allowed = allowed and from_here(request) and form.is_valid() and not is_machine(told)
    if allowed and services.brake.lets(remote_address(request)):
        services.visit_count(**form.cleaned_data, family=family_of(told))
    return HttpResponse(status=204)


@login_not_required
@require_safe
@cache_control(public=True, max_age=86_400)
def gpc(request: HttpRequest) -> HttpResponse:
    """That we follow Global Privacy Control, and since which text of it (RULES 6.3)."""
    return JsonResponse({"gpc": True, "lastUpdate": settings.GPC_LAST_UPDATE})


@login_not_required
@require_safe
@xframe_options_sameorigin
def partner_frame(request: Any) -> HttpResponse:
    """What stands in the closed frame; there is none unless the clinic has a partner and the visitor said yes (P44)."""
    theirs = partner.partner()
    if theirs is None or not request.visitor.lets_partner:
        raise Http404
    response = render(request, "visitors/partner_frame.html", {"partner": theirs})
    response["Content-Security-Policy"] = theirs.frame_policy
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    return response


def from_here(request: HttpRequest) -> bool:
    """Whether a page of ours sent this: browsers say it, and a page elsewhere cannot change what they say."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    source = request.headers.get("Origin") or request.headers.get("Referer", "")
    url = urlsplit(source)
    return f"{url.scheme}://{url.netloc}" == f"{request.scheme}://{request.get_host()}"
