"""What the pages of the desk share: a page that is one form, and a button that is one deed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from portal.permissions import Purpose
from privacy.incidents.models import Incident

Back = tuple[str, Mapping[str, Any]]


def form_page(
    request: AuthRequest, form: forms.Form, *, title: str, submit: str, back: Back, intro: str = "", done: str = "",
    deed: Callable[[dict[str, Any]], object] | None = None, danger: bool = False,
) -> HttpResponse:
    """A page that is one form; ``deed`` gets its values. What it refuses stands at the field it belongs to."""
    page, names = back
    if deed is not None and request.method == "POST" and form.is_valid():
        try:
            deed(form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, done or _("Done."))
            return redirect(f"admin:{page}", **names)
    context = {
        **admin.site.each_context(request), "title": title, "form": form, "submit": submit, "intro": intro,
        "danger": danger, "back_page": f"admin:{page}", "back_id": next(iter(names.values()), None),
    }
    return render(request, "privacy/incidents/staff/form.html", context)


def one_deed(request: AuthRequest, page: str, incident_id: UUID, deed: Callable[[], object], done: str) -> HttpResponse:
    """A button: the deed, a sentence, and back to the page."""
    try:
        deed()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect(f"admin:{page}", incident_id=incident_id)


def incident_shown(request: AuthRequest, incident_id: UUID) -> Incident:
    """The incident for a page, with the trace of the look first: looking into misuse is its purpose (P11)."""
    row = visible_or_404(Incident.objects.select_related("assessment", "notice_text", "follows"), pk=incident_id)
    access_record(
        by=request.actor, action=Action.VIEW, purpose=Purpose.ABUSE, subject_id=None, object_kind="privacy.incident",
        object_id=row.pk, basis=f"incident:{row.pk}", durable=True,
    )
    return row
