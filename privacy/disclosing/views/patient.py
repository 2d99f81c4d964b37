"""What the patient sees of disclosures: who received something, and the consents they gave."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.dates import today, years_later
from portal.errors import DomainError
from portal.guards import AuthRequest, recent_sign_in_required, role_required
from portal.permissions import Purpose, Role
from privacy.disclosing.forms import ConsentForm
from privacy.disclosing.views.processes import problem
from privacy.requests.views.patient import own_patient
from records import vault
from records.releases.services import consent_give, consent_revoke

PATIENTS = (Role.PATIENT, Role.GUARDIAN)


@require_GET
@role_required(*PATIENTS)
def received(request: AuthRequest) -> HttpResponse:
    """Everybody outside the clinic who received something, at once (P14, P34)."""
    patient_id = own_patient(request)
    since = years_later(today(), -settings.ACCOUNTING_WINDOW_YEARS)
    entries = vault.open_disclosures(
        by=request.actor, patient_id=patient_id, purpose=Purpose.COMMUNICATING, since=since
    )
    context = {"entries": entries, "since": since, "counted": sum(entry.counted for entry in entries)}
    return render(request, "privacy/disclosing/received.html", context)


@require_http_methods(["GET", "POST"])
@role_required(*PATIENTS)
@recent_sign_in_required
def consents(request: AuthRequest) -> HttpResponse:
    """What one allowed to be given to whom; a form for one more (RULES 4.1)."""
    patient_id = own_patient(request)
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            consent_give(by=request.actor, patient_id=patient_id, **form.cleaned_data)
        except DomainError as error:
            problem(form, error)
        else:
            messages.success(request, _("Signed. You can take it back at any time."))
            return redirect("privacy:consents")
    given = vault.open_consents(by=request.actor, patient_id=patient_id, purpose=Purpose.COMMUNICATING)
    context = {"consents": given, "form": form, "years": settings.MN_CONSENT_YEARS}
    return render(request, "privacy/disclosing/consents.html", context)


@require_POST
@role_required(*PATIENTS)
def consent_back(request: AuthRequest, consent_id: UUID) -> HttpResponse:
    """Take a consent back."""
    consent_revoke(by=request.actor, consent_id=consent_id)
    messages.success(request, _("You took it back. We give nothing more on it."))
    return redirect("privacy:consents")
