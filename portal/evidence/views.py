"""The page for staff that lists values which cannot be read."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from portal.evidence.models import UnreadableValue
from portal.evidence.selectors import latest, unreadable_open
from portal.evidence.unreadable import EVIDENCE, unreadable_again
from portal.guards import AuthRequest

SHOWN = 200


@require_GET
def unreadable(request: AuthRequest) -> HttpResponse:
    """Where a value cannot be read and why, newest first; what it says is in no way shown."""
    context = {
        **admin.site.each_context(request),
        "title": _("Values that cannot be read"),
        "notes": list(unreadable_open()[:SHOWN]),
        "shown": SHOWN,
        "mended": list(UnreadableValue.objects.exclude(resolved_at=None).order_by("-resolved_at")[:20]),
        "proof": latest(EVIDENCE),
    }
    return render(request, "evidence/staff/unreadable.html", context)


@require_POST
def again(request: AuthRequest) -> HttpResponse:
    """Try the listed values again now."""
    mended = unreadable_again()
    words = ngettext("%(n)s value can be read again.", "%(n)s values can be read again.", mended) % {"n": mended}
    messages.success(request, words)
    return redirect("admin:unreadable")
