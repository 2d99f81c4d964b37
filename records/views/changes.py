"""What changed in my record (P38)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from portal.guards import AuthRequest, role_required
from portal.permissions import Purpose, Role
from records import vault
from records.access import patients_of


@require_GET
@role_required(Role.PATIENT, Role.GUARDIAN)
def changes(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """Old and new, by whom and why, newest first; of one part of the record where asked."""
    mine = patients_of(request.account_id)
    if patient_id is None and not mine:
        return render(request, "records/no_record.html")
    part = request.GET.get("part", "")
    page = vault.open_changes(
        by=request.actor, patient_id=patient_id or mine[0], purpose=Purpose.CARE, section=part,
        before=request.GET.get("before", ""),
    )
    context: dict[str, Any] = {
        "page": page, "part": part, "first": "before" not in request.GET,
        "older": f"?{urlencode({'part': part, 'before': page.older})}" if page.older else "",
        "newest": f"?{urlencode({'part': part})}",
    }
    return render(request, "records/changes.html", context)
