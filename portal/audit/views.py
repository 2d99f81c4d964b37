"""The officer's pages about the access log: is it whole, and has somebody gone through each month?"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from portal.admin_site import readable
from portal.audit.chain import DIGEST_EVIDENCE
from portal.audit.forms import LogReviewForm
from portal.audit.models import AuditDigest, LogReview
from portal.audit.reviews import Month, first_month, month_counts, month_due, months
from portal.audit.selectors import waiting_for_digest
from portal.audit.services import log_review_record
from portal.audit.verification import VERIFY_EVIDENCE
from portal.dates import today
from portal.errors import DomainError
from portal.evidence.selectors import latest
from portal.guards import AuthRequest
from portal.permissions import Role

COUNTED = 10_000
# What stands behind the codes of ``month_counts``.
COUNT_WORDS = {
    "emergencies": gettext_lazy("Records opened in an emergency"),
    "refused": gettext_lazy("Looks that were refused"),
    "searches": gettext_lazy("Searches for patients"),
    "exports": gettext_lazy("Copies made or downloaded"),
    "sign_in_failed": gettext_lazy("Sign-ins that failed"),
    "integrity_failed": gettext_lazy("Checks that found the log changed"),
    "rows": gettext_lazy("Rows in all"),
}


@require_GET
def state(request: AuthRequest) -> HttpResponse:
    """The last check, the last digest, the rows that wait for one, and the months with their reviews."""
    context = {
        **admin.site.each_context(request),
        "title": _("Access log"),
        "check": latest(VERIFY_EVIDENCE),
        "digesting": latest(DIGEST_EVIDENCE),
        "digest": AuditDigest.objects.first(),
        "waiting": waiting_for_digest()[:COUNTED].count(),
        "counted": COUNTED,
        "months": months(),
    }
    return render(request, "audit/staff/log.html", context)


@require_http_methods(["GET", "POST"])
def month(request: AuthRequest, year: int, month: int) -> HttpResponse:
    """One month in numbers, and its review: to be signed, or as it was signed (RULES 2.7)."""
    first = _first_day(year, month)
    review = LogReview.objects.filter(month=first).first()
    form = LogReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            log_review_record(by=request.actor, month=first, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("Your review is kept."))
            return redirect("admin:access_log_month", year=year, month=month)
    due = month_due()
    found = Month(first, review, late=review is None and due is not None and first <= due)
    looks, others = _in_words(review.counts if review else month_counts(first))
    context = {
        **admin.site.each_context(request), "title": _("A month of the log"), "month": found, "form": form,
        "looks": looks, "others": others, "words": readable(review, "words") if review else "",
    }
    return render(request, "audit/staff/month.html", context)


def _first_day(year: int, month: int) -> dt.date:
    """The month's first day. Raises ``Http404`` for one that is to come, or before the log began."""
    begun = first_month()
    try:
        first = dt.date(year, month, 1)
    except (ValueError, OverflowError):
        raise Http404 from None
    if begun is None or not begun <= first <= today():
        raise Http404
    return first


def _in_words(counts: dict[str, Any]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Looks by role, and the rest, each with its words."""
    looks = [
        (str(Role(code.removeprefix("looks.")).label), count)
        for code, count in counts.items() if code.startswith("looks.")
    ]
    return looks, [(str(words), counts.get(code, 0)) for code, words in COUNT_WORDS.items()]
