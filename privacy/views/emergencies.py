"""The officer's desk for records that were opened in an emergency (RULES 2.2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts.selectors import display_names
from portal.audit.models import AccessEvent
from portal.dates import today
from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.looks.forms import ReviewForm
from records.emergency import selectors
from records.emergency.models import Emergency
from records.emergency.services import emergency_review

DEEDS_SHOWN = 500


def _cards(rows: list[Emergency]) -> list[dict[str, Any]]:
    names = display_names([*(row.account_id for row in rows), *(row.reviewed_by for row in rows)])
    return [
        {
            "row": row, "who": names.get(row.account_id, ""), "late": not row.decision and row.review_due_on < today(),
            "reviewer": names.get(row.reviewed_by, "") if row.reviewed_by else "",
        }
        for row in rows
    ]


@require_GET
def emergencies(request: AuthRequest) -> HttpResponse:
    """What waits for a finding, the latest date first of all, and what was decided last."""
    context = {
        **admin.site.each_context(request), "title": _("Emergency access"),
        "open_cards": _cards(list(selectors.to_review()[:200])), "ended_cards": _cards(list(selectors.reviewed())),
    }
    return render(request, "privacy/staff/emergencies.html", context)


@require_http_methods(["GET", "POST"])
def emergency(request: AuthRequest, emergency_id: UUID) -> HttpResponse:
    """One opening: who, when, the reason in their words, everything done meanwhile, and the finding."""
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            emergency_review(by=request.actor, emergency_id=emergency_id, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, _("Your finding is kept."))
            return redirect("admin:privacy_emergency", emergency_id=emergency_id)
    view = selectors.open_emergency(by=request.actor, emergency_id=emergency_id)
    names = display_names([view.account_id, view.reviewed_by])
    context = {
        **admin.site.each_context(request), "title": _("Opened in an emergency"), "view": view, "form": form,
        "who": names.get(view.account_id, ""), "deeds": list(_deeds(view)[:DEEDS_SHOWN]),
        "reviewer": names.get(view.reviewed_by, "") if view.reviewed_by else "",
    }
    return render(request, "privacy/staff/emergency.html", context)


def _deeds(view: selectors.EmergencyView) -> Any:
    """Every row of the log about this patient by this person while the record was open, oldest first."""
    rows = AccessEvent.objects.filter(subject_id=view.patient_id, at__gte=view.opened_at, at__lte=view.ends_at)
    return rows.filter(actor_id=view.account_id).order_by("at", "number")
