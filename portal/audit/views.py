"""The officer's page about the access log: is it whole, and has somebody gone through it?"""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.audit.chain import DIGEST_EVIDENCE
from portal.audit.forms import LogReviewForm
from portal.audit.models import AuditDigest, LogReview
from portal.audit.selectors import waiting_for_digest
from portal.audit.services import log_review_record
from portal.audit.verification import VERIFY_EVIDENCE
from portal.errors import DomainError
from portal.evidence.selectors import latest
from portal.guards import AuthRequest

COUNTED = 10_000


def _page(request: AuthRequest, form: LogReviewForm) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("Access log"),
        "check": latest(VERIFY_EVIDENCE),
        "digesting": latest(DIGEST_EVIDENCE),
        "digest": AuditDigest.objects.first(),
        "waiting": waiting_for_digest()[:COUNTED].count(),
        "counted": COUNTED,
        "reviews": LogReview.objects.all()[:20],
        "form": form,
    }
    return render(request, "audit/staff/log.html", context)


@require_GET
def state(request: AuthRequest) -> HttpResponse:
    """The last check, the last digest, the rows that wait for one, and the last reviews."""
    return _page(request, LogReviewForm())


@require_POST
def reviewed(request: AuthRequest) -> HttpResponse:
    """Keep that these days of the log were gone through (RULES 2.7)."""
    form = LogReviewForm(request.POST)
    if form.is_valid():
        try:
            log_review_record(by=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("Your review is kept."))
            return redirect("admin:access_log_state")
    return _page(request, form)
