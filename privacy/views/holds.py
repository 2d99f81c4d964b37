"""The officer's desk for legal holds: what stands, placing one, releasing one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.selectors import display_names
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Purpose
from privacy.keeping import selectors, services
from privacy.keeping.forms import HoldForm, ReleaseForm
from privacy.keeping.models import LegalHold
from records.vault.content import opened


def _cards(rows: list[LegalHold]) -> list[dict[str, Any]]:
    names = display_names([*(row.placed_by for row in rows), *(row.released_by for row in rows)])
    people = selectors.held_people(row.subject_id for row in rows)
    return [
        {
            "row": row, "person": people[row.subject_id], "placed_by": names.get(row.placed_by, ""),
            "released_by": names.get(row.released_by, "") if row.released_by else "",
            "look": row.released_at is None and row.review_on <= today(),
        }
        for row in rows
    ]


@require_http_methods(["GET", "POST"])
def holds(request: AuthRequest) -> HttpResponse:
    """What stands, the nearest review first; a form to place one; what was released last."""
    form = HoldForm(request.POST or None, initial={"person": request.GET.get("person", "")[:40]})
    if request.method == "POST" and form.is_valid():
        try:
            hold = services.hold_place(
                by=request.actor, subject_id=form.cleaned_data["person"], reason=form.cleaned_data["reason"],
                review_on=form.cleaned_data["review_on"],
            )
        except DomainError as error:
            form.add_error(error.field, error.message)
        except NotVisible:
            form.add_error("person", _("There is no record and no archive copy with this number."))
        else:
            messages.success(request, _("The hold stands. Nothing of this record is deleted or destroyed."))
            return redirect("admin:privacy_hold", hold_id=hold.pk)
    context = {
        **admin.site.each_context(request), "title": _("Legal holds"), "form": form,
        "standing": _cards(list(selectors.standing_holds()[:200])),
        "released": _cards(list(selectors.released_holds())),
        "placing": form.is_bound or "person" in request.GET,
    }
    return render(request, "privacy/staff/holds.html", context)


@require_http_methods(["GET", "POST"])
def hold_page(request: AuthRequest, hold_id: UUID) -> HttpResponse:
    """One hold with its words, and the form that ends it."""
    row = visible_or_404(LegalHold.objects.all(), pk=hold_id)
    form = ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.hold_release(by=request.actor, hold_id=row.pk, why=form.cleaned_data["why"])
        messages.success(request, _("The hold has ended. What waited for it goes on."))
        return redirect("admin:privacy_hold", hold_id=row.pk)
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.LEGAL_DUTY, subject_id=row.subject_id,
        object_kind="privacy.hold", object_id=row.pk, basis=f"hold:{row.pk}", durable=True,
    )
    context = {
        **admin.site.each_context(request), "title": _("Legal hold"), **_cards([row])[0], "form": form,
        "reason": opened(row, "reason"), "why": opened(row, "release_reason"),
    }
    return render(request, "privacy/staff/hold.html", context)
