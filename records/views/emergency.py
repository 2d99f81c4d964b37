"""A record opened in an emergency, in the clinic's admin: why, for how long, and closing it early."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest
from portal.permissions import Purpose
from records.access import may_open, require_open
from records.emergency.forms import EmergencyForm, GiveForm
from records.emergency.giving import emergency_disclose
from records.emergency.services import emergency_end, emergency_open
from records.vault.lists import open_found_cards


@require_http_methods(["GET", "POST"])
def break_glass(request: AuthRequest, patient_id: UUID) -> HttpResponse:
    """Who it is, the reason, what follows; then the record. One that is open already is shown at once."""
    if may_open(by=request.actor, patient_id=patient_id, purpose=Purpose.CARE, whole=True) is not None:
        return redirect("admin:patient_record", patient_id=patient_id)
    form = EmergencyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if name != "sure"}
        try:
            emergency_open(by=request.actor, patient_id=patient_id, **values)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return redirect("admin:patient_record", patient_id=patient_id)
    person = open_found_cards(by=request.actor, patient_ids=[patient_id], purpose=Purpose.CARE).get(patient_id)
    if person is None:
        raise NotVisible
    context = {
        **admin.site.each_context(request), "title": _("Open a record in an emergency"), "person": person,
        "form": form, "minutes": settings.EMERGENCY_MINUTES,
    }
    return render(request, "records/staff/break_glass.html", context)


@require_http_methods(["GET", "POST"])
def give_out(request: AuthRequest, patient_id: UUID) -> HttpResponse:
    """To whom, what and why, and the row of the register stands (P56, RULES 4.2)."""
    if may_open(by=request.actor, patient_id=patient_id, purpose=Purpose.SAFETY, whole=True) is None:
        require_open(by=request.actor, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    form = GiveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            emergency_disclose(by=request.actor, patient_id=patient_id, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("It is written down. Give it out now: to nobody else, and nothing more."))
            return redirect("admin:patient_record", patient_id=patient_id)
    context = {
        **admin.site.each_context(request), "title": _("Give something out in an emergency"), "form": form,
        "patient_id": patient_id,
    }
    return render(request, "records/staff/give_out.html", context)


@require_POST
def end(request: AuthRequest, emergency_id: UUID) -> HttpResponse:
    """Close the record before the time is over."""
    emergency_end(by=request.actor, emergency_id=emergency_id)
    messages.success(request, _("The record is closed again. Thank you."))
    return redirect("admin:index")
