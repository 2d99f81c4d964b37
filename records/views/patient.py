"""The pictures of a record, and how to be reached."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.errors import DomainError, StorageUnavailable
from portal.guards import AuthRequest, role_required
from portal.permissions import Purpose, Role
from records import vault
from records.access import patients_of, usual_purpose
from records.people.forms import ContactForm
from records.people.services import patient_update
from records.views.record import FAMILY


@require_GET
@role_required(*FAMILY, Role.CLINICIAN, Role.OFFICER)
def photo(request: AuthRequest, photo_id: UUID, variant: str) -> HttpResponse:
    """One picture, for the browser only: nothing between here and there may keep it (P24)."""
    if variant not in vault.VARIANTS:
        raise Http404
    try:
        why = usual_purpose(request.actor)
        data = vault.open_photo(by=request.actor, photo_id=photo_id, variant=variant, purpose=why)
    except vault.FileUnreadable:
        raise Http404 from None
    except StorageUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": "30", "Cache-Control": "private, no-store"})
    return HttpResponse(
        data,
        content_type="image/jpeg",
        headers={
            "Content-Disposition": 'inline; filename="photo.jpg"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


@require_http_methods(["GET", "POST"])
@role_required(*FAMILY)
def contact(request: AuthRequest) -> HttpResponse:
    """How the clinic reaches the patient, with what it was before (P06, P30, P38)."""
    mine = patients_of(request.account_id)
    if not mine:
        raise Http404
    patient = vault.open_patient(by=request.actor, patient_id=mine[0], purpose=Purpose.CARE)
    form = ContactForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            patient_update(by=request.actor, patient_id=patient.id, **form.changes())
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Your contact details are saved."))
            return redirect("records:contact")
    changes = vault.open_changes(
        by=request.actor, patient_id=patient.id, purpose=Purpose.CARE, section="contact"
    )
    return render(request, "records/contact.html", {"form": form, "patient": patient, "changes": changes.lines})
