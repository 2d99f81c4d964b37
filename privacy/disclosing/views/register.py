"""The officer's register: who received something of one record, by hand as well; suspensions; consents on paper."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, claim_form_key
from portal.permissions import Permission, require
from privacy.disclosing import selectors
from privacy.disclosing.forms import DisclosureForm, PaperConsentForm, PersonForm, SuspensionForm
from privacy.disclosing.views.processes import problem
from privacy.keeping.selectors import held_people
from records.disclosures.models import Disclosure
from records.disclosures.selectors import suspensions_now
from records.disclosures.services import (
    disclosure_record,
    may_release,
    suspension_lift,
    suspension_record,
)
from records.models import ReleaseConsent
from records.releases.services import consent_give, consent_revoke


@require_http_methods(["GET", "POST"])
def find(request: AuthRequest) -> HttpResponse:
    """Whose register; and everything that is suspended today."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("admin:disclosures_of", patient_id=form.cleaned_data["person"])
    running = list(suspensions_now().defer("agency", "official", "statement")[:200])
    people = held_people(row.patient_id for row in running)
    context = {
        **admin.site.each_context(request), "title": _("Who received what"), "form": form,
        "running": [{"row": row, "person": people[row.patient_id]} for row in running],
    }
    return render(request, "privacy/disclosing/find.html", context)


@require_GET
def register(request: AuthRequest, patient_id: UUID, bound: dict[str, forms.Form] | None = None) -> HttpResponse:
    """All entries of one record, repeats together, with what is suspended and what the patient consented to."""
    held = selectors.open_register(by=request.actor, patient_id=patient_id)
    context = {
        **admin.site.each_context(request), "title": _("Who received what"), "register": held,
        "person": held_people([patient_id])[patient_id], "patient_id": patient_id,
        "add": DisclosureForm(initial={"on": today()}), "consent": PaperConsentForm(auto_id="consent_%s"),
        "problem": next(iter(bound or {}), ""), **(bound or {}),
    }
    return render(request, "privacy/disclosing/register.html", context)


@require_POST
def add(request: AuthRequest, patient_id: UUID) -> HttpResponse:
    """Write down by hand what was given by fax, phone or post."""
    require(request.actor, Permission.REQUESTS_HANDLE)
    form = DisclosureForm(request.POST)
    if form.is_valid():
        given = dict(form.cleaned_data)
        key = given.pop("form_key")
        try:
            may = may_release(
                subject_id=patient_id, recipient=given["recipient"], basis=given["basis"], on=given["on"]
            )
            with transaction.atomic():
                disclosure_record(by=request.actor, subject_id=patient_id, **given)
                # Last: what is refused leaves the key for the next press. Pressed twice, one entry stays.
                if not claim_form_key(key):
                    transaction.set_rollback(True)
        except DomainError as error:
            problem(form, error)
        except ValueError:
            form.add_error("basis", _("This purpose and this basis do not go together."))
        else:
            if may.allowed:
                messages.success(request, _("It stands in the register."))
            else:
                messages.warning(
                    request, _("It stands in the register, with a note: %(why)s") % {"why": may.why}
                )
            return redirect("admin:disclosures_of", patient_id=patient_id)
    return _again(request, patient_id, "add", form)


@require_http_methods(["GET", "POST"])
def suspend(request: AuthRequest, disclosure_id: UUID) -> HttpResponse:
    """Leave one entry out of what the patient reads (RULES 1.34)."""
    entry = Disclosure.objects.only("pk", "patient_id").filter(pk=disclosure_id).first()
    if entry is None:
        raise NotVisible
    form = SuspensionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            suspension_record(
                by=request.actor, subject_id=entry.patient_id, disclosure_id=entry.pk, **form.cleaned_data
            )
        except DomainError as error:
            problem(form, error)
        else:
            messages.success(request, _("Until that day the patient does not read of it."))
            return redirect("admin:disclosures_of", patient_id=entry.patient_id)
    context = {
        **admin.site.each_context(request), "title": _("Leave it out for a time"), "form": form,
        "patient_id": entry.patient_id,
    }
    return render(request, "privacy/disclosing/suspend.html", context)


@require_POST
def lift(request: AuthRequest, suspension_id: UUID) -> HttpResponse:
    """End a suspension before its day."""
    row = suspension_lift(by=request.actor, suspension_id=suspension_id)
    messages.success(request, _("The patient reads of it again."))
    return redirect("admin:disclosures_of", patient_id=row.patient_id)


@require_POST
def paper_consent(request: AuthRequest, patient_id: UUID) -> HttpResponse:
    """Enter a consent that was signed on paper."""
    form = PaperConsentForm(request.POST, auto_id="consent_%s")
    if form.is_valid():
        try:
            consent_give(by=request.actor, patient_id=patient_id, on_paper=True, **form.cleaned_data)
        except DomainError as error:
            problem(form, error)
        else:
            messages.success(request, _("The consent is noted."))
            return redirect("admin:disclosures_of", patient_id=patient_id)
    return _again(request, patient_id, "consent", form)


@require_POST
def consent_end(request: AuthRequest, consent_id: UUID) -> HttpResponse:
    """The patient took a consent back by letter or phone."""
    row: ReleaseConsent = consent_revoke(by=request.actor, consent_id=consent_id)
    messages.success(request, _("Nothing more is released on it."))
    return redirect("admin:disclosures_of", patient_id=row.patient_id)


def _again(request: AuthRequest, patient_id: UUID, name: str, form: forms.Form) -> HttpResponse:
    request.method = "GET"
    answer = register(request, patient_id, {name: form})
    request.method = "POST"
    return answer
