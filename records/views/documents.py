"""Lab results and records from elsewhere: hand one in, read it, set right its name, take it back (P07)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.errors import DomainError, StorageUnavailable
from portal.guards import AuthRequest, role_required
from portal.permissions import Purpose, Role
from records import vault
from records.access import may_open, usual_purpose
from records.documents import services
from records.documents.files import VARIANTS
from records.documents.forms import DocumentChangeForm, DocumentForm
from records.vault.documents import open_document_card, open_document_file, open_documents
from records.views.record import FAMILY, whose


@require_http_methods(["GET", "POST"])
@role_required(*FAMILY)
def documents(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """What was handed in, newest first, and the form for one more. "Received" only when it is stored."""
    wanted, own = whose(request, patient_id)
    if wanted is None:
        raise Http404
    shown = open_documents(by=request.actor, patient_id=wanted, purpose=Purpose.CARE)
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.document_receive(
                by=request.actor, patient_id=wanted, kind=given["kind"], title=given["title"], dated=given["dated"],
                upload=given["document"], form_key=given["form_key"],
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("We have your document. It is being prepared."))
            return redirect(request.path)
    context = {"documents": shown, "form": form, "own": own, "patient_id": wanted}
    return render(request, "records/documents.html", context)


@require_GET
@role_required(*FAMILY)
def document(request: AuthRequest, document_id: UUID) -> HttpResponse:
    """One document with pictures of its pages."""
    card = open_document_card(by=request.actor, document_id=document_id, purpose=Purpose.CARE)
    _wanted, own = whose(request, card.patient_id)
    acts = may_open(by=request.actor, patient_id=card.patient_id, purpose=Purpose.CARE, whole=True) is not None
    notes = vault.open_notes(by=request.actor, patient_id=card.patient_id, purpose=Purpose.CARE)
    context = {"document": card, "own": own, "acts": acts, "notes": notes}
    return render(request, "records/document.html", context)


@require_GET
@role_required(*FAMILY, Role.CLINICIAN, Role.OFFICER)
def document_file(request: AuthRequest, document_id: UUID, variant: str, page: int = 1) -> HttpResponse:
    """The file as a download, or the picture of a page. Nothing between here and there may keep it."""
    if variant not in VARIANTS:
        raise Http404
    try:
        found = open_document_file(
            by=request.actor, document_id=document_id, variant=variant, page=page,
            purpose=usual_purpose(request.actor),
        )
    except vault.FileUnreadable:
        raise Http404 from None
    except StorageUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": "30", "Cache-Control": "private, no-store"})
    way = "attachment" if variant == "file" else "inline"
    return HttpResponse(
        found.data,
        content_type=found.content_type,
        headers={
            "Content-Disposition": f'{way}; filename="{found.name}"' if variant == "file" else way,
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*FAMILY)
def document_change(request: AuthRequest, document_id: UUID) -> HttpResponse:
    """Set right what a document is called. What it said before stays in the history."""
    card = open_document_card(by=request.actor, document_id=document_id, purpose=Purpose.CARE)
    if may_open(by=request.actor, patient_id=card.patient_id, purpose=Purpose.CARE, whole=True) is None:
        raise Http404
    initial = {"kind": card.kind, "title": card.title, "dated": card.dated}
    form = DocumentChangeForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.document_change(by=request.actor, document_id=document_id, **form.changed())
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Your change is kept. What was there before stays in your record’s history."))
            return redirect("records:document", document_id)
    _wanted, own = whose(request, card.patient_id)
    return render(request, "records/document_change.html", {"document": card, "form": form, "own": own})


@require_POST
@role_required(*FAMILY)
def document_take_back(request: AuthRequest, document_id: UUID) -> HttpResponse:
    """Remove one that was handed in by mistake and that nobody of the clinic has used."""
    card = open_document_card(by=request.actor, document_id=document_id, purpose=Purpose.CARE)
    try:
        services.document_remove(by=request.actor, document_id=document_id)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("records:document", document_id)
    messages.success(request, _("The document is removed."))
    return redirect("records:documents_of", card.patient_id)
