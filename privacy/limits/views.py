"""Pages of limits and of other ways to be reached: asked by the patient, or entered by the officer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.errors import DomainError
from portal.guards import AuthRequest, recent_sign_in_required, role_required, visible_or_404
from portal.permissions import Permission, Purpose, Role, require
from privacy.limits import services
from privacy.limits.forms import ContactForm, OverrideForm, RestrictionForm
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.views.patient import own_patient
from privacy.requests.views.staff import looked_at
from records.access import require_open, usual_purpose
from records.models import Encounter, Restriction
from records.restrictions.models import EndReason, RecipientKind
from records.restrictions.selectors import limit_of
from records.restrictions.services import restriction_end, restriction_override

FAMILY = role_required(Role.PATIENT, Role.GUARDIAN)
FORM = require_http_methods(["GET", "POST"])


def _paid(patient_id: UUID) -> list[tuple[UUID, str]]:
    rows = Encounter.objects.filter(pk__in=services.paid_encounters(patient_id)).only("pk", "opened_at")
    days = {row.pk: date_format(timezone.localtime(row.opened_at), "F j, Y") for row in rows}
    return [(pk, _("The consult of %(day)s") % {"day": day}) for pk, day in days.items()]


def _data(form: RestrictionForm) -> dict[str, object]:
    data = form.cleaned_data
    return {
        "what": data["what"], "recipient_kind": RecipientKind(data["recipient_kind"]), "recipient": data["recipient"],
        "purpose": data["purpose"], "paid_encounter_id": form.paid_encounter,
    }


@FORM
@FAMILY
@recent_sign_in_required
def limit(request: AuthRequest) -> HttpResponse:
    """Ask that something is not shared."""
    patient_id = own_patient(request)
    form = RestrictionForm(request.POST or None, paid=_paid(patient_id))
    if request.method == "POST" and form.is_valid():
        try:
            row = services.limit_ask(
                by=request.actor, patient_id=patient_id, form_key=form.cleaned_data["form_key"],
                **_data(form),  # type: ignore[arg-type]
            )
            return redirect("privacy:request", request_id=row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return render(request, "privacy/limits/limit.html", {"form": form})


@require_POST
@FAMILY
def limit_end(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """The patient ends a limit of their own."""
    row = visible_or_404(
        RightsRequest.objects.filter(account_id=request.account_id, kind=RequestKind.RESTRICTION), pk=request_id
    )
    found = visible_or_404(Restriction.objects.all(), request_id=row.pk)
    try:
        restriction_end(by=request.actor, restriction_id=found.pk, reason=EndReason.PATIENT)
        messages.success(request, _("The limit is over. We may share this again."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("privacy:request", request_id=row.pk)


@FORM
@FAMILY
@recent_sign_in_required
def reach(request: AuthRequest) -> HttpResponse:
    """Ask to be reached another way; nobody asks why."""
    patient_id = own_patient(request)
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.reach_ask(
                by=request.actor, patient_id=patient_id, form_key=form.cleaned_data["form_key"], wanted=form.wanted
            )
            return redirect("privacy:request", request_id=row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return render(request, "privacy/limits/reach.html", {"form": form})


def _entered(request: AuthRequest, request_id: UUID, kind: RequestKind) -> RightsRequest:
    require(request.actor, Permission.REQUESTS_HANDLE)
    return visible_or_404(RightsRequest.objects.filter(kind=kind, subject_id__isnull=False), pk=request_id)


def _deed(request: AuthRequest, row: RightsRequest | None, title: str, form: object, submit: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "row": row, "form": form, "submit": submit}
    return render(request, "privacy/corrections/deed.html", context)


@FORM
def limit_enter(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """The officer writes down what a letter or a call asked for."""
    row = _entered(request, request_id, RequestKind.RESTRICTION)
    assert row.subject_id is not None
    looked_at(request, row)
    form = RestrictionForm(request.POST or None, paid=_paid(row.subject_id), initial={"what": row.details})
    if request.method == "POST" and form.is_valid():
        try:
            services.limit_enter(by=request.actor, request_id=row.pk, **_data(form))  # type: ignore[arg-type]
            return redirect("admin:privacy_request", request_id=row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _deed(request, row, _("What shall not be shared"), form, _("Note it"))


@FORM
def reach_enter(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """The officer writes down how somebody wants to be reached."""
    row = _entered(request, request_id, RequestKind.CONFIDENTIAL)
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.reach_enter(by=request.actor, request_id=row.pk, wanted=form.wanted)
            return redirect("admin:privacy_request", request_id=row.pk)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return _deed(request, row, _("How to reach the person"), form, _("Note it"))


@require_POST
def limit_stop(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """The clinic ends a limit that it agreed to: for what comes in from now on, or with the patient's yes."""
    row = _entered(request, request_id, RequestKind.RESTRICTION)
    found = visible_or_404(Restriction.objects.all(), request_id=row.pk)
    reason = EndReason.BOTH if request.POST.get("patient_agrees") == "yes" else EndReason.CLINIC
    try:
        restriction_end(by=request.actor, restriction_id=found.pk, reason=reason)
        messages.success(request, _("It is ended, and noted how. Tell the patient."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("admin:privacy_request", request_id=row.pk)


@FORM
def override(request: AuthRequest, restriction_id: UUID) -> HttpResponse:
    """Note that something had to go out in an emergency although a limit stands."""
    found = visible_or_404(Restriction.objects.filter(starts_at__isnull=False), pk=restriction_id)
    if request.actor.role != Role.OFFICER:
        require_open(by=request.actor, patient_id=found.patient_id, purpose=Purpose.CARE, whole=True)
    access_record(
        by=request.actor, action=Action.VIEW, purpose=usual_purpose(request.actor), subject_id=found.patient_id,
        object_kind="records.restriction", object_id=found.pk, basis=f"request:{found.request_id}", durable=True,
    )
    form = OverrideForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            restriction_override(by=request.actor, restriction_id=found.pk, **form.cleaned_data)
            messages.success(request, _("It is noted. The limit goes on."))
            if request.actor.role == Role.OFFICER:
                return redirect("admin:privacy_request", request_id=found.request_id)
            return redirect("admin:patient_record", patient_id=found.patient_id)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context = {
        **admin.site.each_context(request), "title": _("Shared in an emergency"), "form": form,
        "submit": _("Note it"), "limit": limit_of(found),
    }
    return render(request, "privacy/limits/override.html", context)
