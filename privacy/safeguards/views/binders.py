"""Binders: ask for one, see how far it is, download it. The officer only."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.dates import today
from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.jobs.selectors import jobs_of
from portal.jobs.views import card_of
from privacy.safeguards import making, selectors
from privacy.safeguards.forms import YearForm


@require_http_methods(["GET", "POST"])
def binders(request: AuthRequest) -> HttpResponse:
    """Binders that are here now; ask for one of a year."""
    form = YearForm(request.POST or None, years=making.years())
    if request.method == "POST" and form.is_valid():
        try:
            row = making.binder_start(by=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            return redirect("admin:binder", binder_id=row.pk)
    context = {
        **admin.site.each_context(request), "title": _("Binders"), "form": form,
        "rows": making.titled(selectors.binders()[:50]),
    }
    return render(request, "privacy/safeguards/binders.html", context)


@require_POST
def binder_of_request(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Ask for the binder of one request."""
    row = making.binder_start(by=request.actor, form_key=uuid4(), request_id=request_id)
    messages.success(request, _("The binder is being made."))
    return redirect("admin:binder", binder_id=row.pk)


@require_GET
def binder(request: AuthRequest, binder_id: UUID) -> HttpResponse:
    """How far a binder is, and the way to the file."""
    row = visible_or_404(selectors.binders(), pk=binder_id)
    job = jobs_of(request.actor).filter(pk=row.job_id).first() if row.job_id else None
    context = {
        **admin.site.each_context(request), "title": making.binder_title(row), "row": row,
        "card": card_of(job) if job is not None and row.made_at is None else None,
    }
    return render(request, "privacy/safeguards/binder.html", context)


@require_GET
def binder_file(request: AuthRequest, binder_id: UUID) -> HttpResponse:
    """The PDF."""
    data = making.binder_open(by=request.actor, binder_id=binder_id)
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="binder-{today():%Y-%m-%d}.pdf"'
    return response
