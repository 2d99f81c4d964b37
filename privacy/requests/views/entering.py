"""Writing down a request that did not come through the portal (P35, RULES 1.6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.errors import DomainError
from portal.guards import AuthRequest
from privacy.requests.desk_forms import EnterForm
from privacy.requests.models import IdentityHow, RightsRequest
from privacy.requests.services import Identity, request_open
from privacy.requests.state import RequestState
from records.access import accounts_of


@require_http_methods(["GET", "POST"])
def enter(request: AuthRequest) -> HttpResponse:
    """Who, what, when and how, and how it was made sure who asked."""
    form = EnterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = _open(request, form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _said(row))
            return redirect("admin:privacy_request", request_id=row.pk)
    context = {**admin.site.each_context(request), "title": _("Write down a request"), "form": form}
    return render(request, "privacy/staff/enter.html", context)


def _said(row: RightsRequest) -> str:
    if row.state == RequestState.JOINED:
        return _("Written down, and joined to the request of this kind that is open already.")
    if row.state == RequestState.IDENTITY:
        return _("Written down. The clock runs. Nothing is done before you made sure who asked.")
    return _("Written down. The clock runs.")


def _open(request: AuthRequest, told: dict[str, Any]) -> RightsRequest:
    subject_id: UUID | None = told["number"]
    accounts = accounts_of(subject_id) if subject_id is not None and told["portal"] else []
    contact = {name: told[name].strip() for name in ("name", "address", "phone") if told[name].strip()}
    if subject_id is not None and not accounts and "name" not in contact:
        raise DomainError("who_missing", _("Nobody reads this record in the portal. Write down who asked."), "name")
    return request_open(
        by=request.actor, kind=told["kind"], subject_id=subject_id, account_id=accounts[0] if accounts else None,
        form_key=told["form_key"], received_on=told["received_on"], channel=told["channel"], details=told["details"],
        identity=Identity(IdentityHow(told["how"]), told["note"]) if told["how"] else None, contact=contact or None,
    )
