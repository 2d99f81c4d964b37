"""The page where a patient leaves, the page after it, and the officer's page for who wants mail again."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required
from portal.outbox.models import LeftAddress
from portal.permissions import Purpose, Role
from privacy.leaving.forms import ComeBackForm, LeavingForm
from privacy.leaving.services import come_back
from privacy.requests.models import RequestKind
from privacy.requests.services import request_open
from privacy.selectors import afoot
from records import vault
from records.access import patients_of
from records.contact.selectors import reach_of
from records.guardians.selectors import looked_after


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.PATIENT)
@recent_sign_in_required
def leave(request: AuthRequest) -> HttpResponse:
    """What follows, said before; then it is done at once, and the person is signed out everywhere."""
    children = looked_after(request.account_id)
    own = next((one for one in patients_of(request.account_id) if one not in children), None)
    if own is None:
        raise NotVisible
    patient = vault.open_patient(by=request.actor, patient_id=own, purpose=Purpose.COMMUNICATING)
    form = LeavingForm(request.POST or None, needs_address=not (patient.address or reach_of(own).address))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                request_open(
                    by=request.actor, kind=RequestKind.LEAVING, subject_id=own, account_id=request.account_id,
                    **form.asked(),
                )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            logout(request)
            return redirect("privacy:left")
    context = {
        "form": form, "afoot": afoot(own), "years": settings.RETENTION_ADULT_YEARS, "children": bool(children),
    }
    return render(request, "privacy/leaving/leave.html", context)


@login_not_required
@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Goodbye. It says nothing of anybody: whoever opens it reads the same."""
    return render(request, "privacy/leaving/left.html")


@require_http_methods(["GET", "HEAD", "POST"])
def come_back_page(request: AuthRequest) -> HttpResponse:
    """How many addresses are never written to, and a form for one that wants mail again."""
    form = ComeBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if come_back(by=request.actor, email=form.cleaned_data["email"]):
            messages.success(request, _("Mail goes to this address again."))
            return redirect("admin:privacy_come_back")
        form.add_error("email", _("This address never left, so mail goes to it as always."))
    context = {
        **admin.site.each_context(request), "title": _("Addresses we never write to"), "form": form,
        "count": LeftAddress.objects.count(),
    }
    return render(request, "privacy/leaving/come_back.html", context)
