"""The queue: what waits, what is in one's own hands, what was answered lately."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from consults.desk import selectors
from portal.guards import AuthRequest


@require_safe
def queue(request: AuthRequest) -> HttpResponse:
    """The clinician's first page. ``?after=`` is the key of the page before."""
    context = {
        **admin.site.each_context(request),
        "title": _("Consults"),
        "queue": selectors.queue(by=request.actor, after=request.GET.get("after", "")),
        "first_page": "after" not in request.GET,
    }
    return render(request, "consults/staff/queue.html", context)
