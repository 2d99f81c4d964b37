"""The officer's desk for companies that work for the clinic."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from privacy.vendors import selectors, services
from privacy.vendors.forms import ImportConfirmForm, ImportForm, VendorForm
from privacy.vendors.models import Vendor
from records.vault.content import opened


@require_http_methods(["GET", "POST"])
def vendors(request: AuthRequest) -> HttpResponse:
    """Every company with its agreement; what is in use without one; a form for a new one."""
    first = {"code": request.GET.get("code", "")[:40], "notice_days": 10, "sees_records": True}
    form = VendorForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        row = _saved(request, form)
        if row is not None:
            return redirect("admin:vendor", vendor_id=row.pk)
    rows = [{"row": row, "trouble": selectors.trouble_of(row)} for row in selectors.vendors()]
    context = {
        **admin.site.each_context(request), "title": _("Companies that work for us"), "form": form, "rows": rows,
        "unregistered": selectors.unregistered(), "adding": form.is_bound or "code" in request.GET,
    }
    return render(request, "privacy/vendors/vendors.html", context)


@require_http_methods(["GET", "POST"])
def vendor(request: AuthRequest, vendor_id: UUID) -> HttpResponse:
    """One company: what is known of it, to be changed; the lists it sent."""
    row = visible_or_404(Vendor.objects.all(), pk=vendor_id)
    first = {name: getattr(row, name) for name in VendorForm.base_fields if name != "contact"}
    form = VendorForm(request.POST or None, initial={**first, "contact": opened(row, "contact", "")})
    if request.method == "POST" and form.is_valid() and _saved(request, form, row) is not None:
        return redirect("admin:vendor", vendor_id=row.pk)
    context = {
        **admin.site.each_context(request), "title": row.name, "row": row, "form": form,
        "trouble": selectors.trouble_of(row), "imports": selectors.imports_of(row)[:50], "upload": ImportForm(),
    }
    return render(request, "privacy/vendors/vendor.html", context)


@require_POST
def vendor_end(request: AuthRequest, vendor_id: UUID) -> HttpResponse:
    """The work with a company is over."""
    services.vendor_end(by=request.actor, vendor_id=vendor_id)
    messages.success(request, _("It gets nothing from now on."))
    return redirect("admin:vendor", vendor_id=vendor_id)


@require_POST
def import_look(request: AuthRequest, vendor_id: UUID) -> HttpResponse:
    """Look at a company's list before anything is written: every line, and what is wrong with which."""
    row = visible_or_404(Vendor.objects.all(), pk=vendor_id)
    form = ImportForm(request.POST, request.FILES)
    context: dict[str, Any] = {**admin.site.each_context(request), "title": row.name, "row": row, "upload": form}
    if form.is_valid():
        data = form.cleaned_data["file"].read(services.BYTES_MOST + 1)
        try:
            preview = services.import_preview(by=request.actor, data=data)
        except DomainError as error:
            form.add_error("file", error.message)
        else:
            context["preview"] = preview
            if not preview.errors:
                context["confirm"] = ImportConfirmForm(initial={"content": data.decode("utf-8-sig")})
    return render(request, "privacy/vendors/import.html", context)


@require_POST
def import_write(request: AuthRequest, vendor_id: UUID) -> HttpResponse:
    """Write the entries of the list that was looked at."""
    form = ImportConfirmForm(request.POST)
    if form.is_valid():
        # A browser sends line ends of its own; the file's own do not matter to what it says.
        text = form.cleaned_data["content"].replace("\r\n", "\n")
        try:
            made = services.import_apply(by=request.actor, vendor_id=vendor_id, data=text.encode())
            messages.success(request, _("%(count)d entries stand in the register.") % {"count": made.entries})
        except DomainError as error:
            messages.error(request, error.message)
    return redirect("admin:vendor", vendor_id=vendor_id)


def _saved(request: AuthRequest, form: VendorForm, row: Vendor | None = None) -> Vendor | None:
    try:
        saved = services.vendor_save(by=request.actor, vendor_id=row.pk if row else None, **form.cleaned_data)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
    messages.success(request, _("Saved."))
    return saved
