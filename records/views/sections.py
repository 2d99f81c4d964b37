"""The sections of one's record: see, add, change, take out, say that there is none (P07, P30)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, claim_form_key, recent_sign_in_required, role_required
from portal.permissions import Purpose
from records import vault
from records.access import may_open
from records.history import services
from records.history.forms import EntryForm, KeyForm, VersionForm
from records.history.kinds import CAN_BE_NONE, PARTS
from records.history.models import Section
from records.history.selectors import has_guardian, place_of
from records.vault import SectionsView
from records.views.record import FAMILY, whose
from records.views.rows import entries_of, is_readable, rows_of, topics_of
from records.views.words import ADD, ADDED, INTRO, topic_rows

FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@role_required(*FAMILY)
def section(request: AuthRequest, section: Section, patient_id: UUID | None = None) -> HttpResponse:
    """One section with everything in it. Without an id: one's own, else the first looked after."""
    wanted, own = whose(request, patient_id)
    if wanted is None:
        return render(request, "records/no_record.html")
    page = vault.open_section(by=request.actor, patient_id=wanted, section=section, purpose=Purpose.CARE)
    topics = [] if page.sections.private_hidden and section == Section.PRIVATE else topic_rows(page.sections, section)
    return render(request, "records/sections/section.html", section_base(wanted, section, own) | {
        "page": page, "notes": vault.open_notes(by=request.actor, patient_id=wanted, purpose=Purpose.CARE),
        "rows": rows_of(page.sections, section), "topics": topics,
        "answered": topics_of(page.sections, section) if topics else {},
        "none": section.value in page.sections.stated_none, "can_be_none": section in CAN_BE_NONE,
        "checked_at": page.sections.checked_at.get(section.value),
        "hidden": section == Section.PRIVATE and page.sections.private_hidden,
        "acts": may_open(by=request.actor, patient_id=wanted, purpose=Purpose.CARE, whole=True) is not None,
        "key": KeyForm(),
    })


@FORM
@role_required(*FAMILY)
def entry_add(request: AuthRequest, patient_id: UUID, section: Section) -> HttpResponse:
    """A new entry."""
    if not PARTS[section] or may_open(by=request.actor, patient_id=patient_id, purpose=Purpose.CARE) is None:
        raise NotVisible
    guarded = _guarded(request, patient_id)
    form = EntryForm(section, request.POST or None, guarded=guarded)
    if request.method == "POST" and form.is_valid():
        try:
            services.entry_add(
                by=request.actor, patient_id=patient_id, section=section, values=form.parts,
                number=form.cleaned_data.get("number", ""), private=bool(form.private),
                form_key=form.cleaned_data["form_key"],
            )
        except DomainError as error:
            _onto(form, error)
        else:
            messages.success(request, ADDED[section])
            return to_section(request, patient_id, section)
    _wanted, own = whose(request, patient_id)
    return render(request, "records/sections/entry.html", section_base(patient_id, section, own) | {"form": form})


@FORM
@role_required(*FAMILY)
def entry(request: AuthRequest, entry_id: UUID) -> HttpResponse:
    """Change one entry. Another window's change is shown, and what was typed stays."""
    patient_id, section, view = _entry(request, entry_id)
    initial = {part.name: getattr(view, part.name) for part in PARTS[section]}
    initial["private"] = getattr(view, "private", False)
    guarded = _guarded(request, patient_id) or bool(initial["private"])
    seen = view.updated_at.isoformat()
    form = EntryForm(section, request.POST or None, initial=initial, seen=seen, guarded=guarded)
    meanwhile = False
    if request.method == "POST" and form.is_valid():
        try:
            services.entry_change(
                by=request.actor, entry_id=entry_id, seen=form.cleaned_data["seen"], values=form.parts,
                number=form.cleaned_data.get("number", ""), private=form.private,
            )
        except DomainError as error:
            _onto(form, error)
            meanwhile = error.code == "changed_meanwhile"
            form.see({"seen": seen})
        else:
            messages.success(request, _("Your change is kept. What was there before stays in your record’s history."))
            return to_section(request, patient_id, section)
    _wanted, own = whose(request, patient_id)
    return render(request, "records/sections/entry.html", section_base(patient_id, section, own) | {
        "form": form, "entry_id": entry_id, "readable": is_readable(view, section),
        "now": next(row for row in rows_of(_only(section, view), section)) if meanwhile else None,
    })


@FORM
@role_required(*FAMILY)
def entry_remove(request: AuthRequest, entry_id: UUID) -> HttpResponse:
    """Take an entry out, after a look at what it is. It can be put back from the section's page."""
    patient_id, section, view = _entry(request, entry_id)
    form = VersionForm(request.POST or None, initial={"seen": view.updated_at.isoformat()})
    if request.method == "POST" and form.is_valid():
        try:
            services.entry_remove(by=request.actor, entry_id=entry_id, seen=form.cleaned_data["seen"])
        except DomainError as error:
            form = VersionForm(initial=form.initial)
            messages.error(request, error.message)
        else:
            messages.success(request, _("It is taken out. You can put it back below."))
            return to_section(request, patient_id, section)
    _wanted, own = whose(request, patient_id)
    return render(request, "records/sections/remove.html", section_base(patient_id, section, own) | {
        "form": form, "row": rows_of(_only(section, view), section)[0],
    })


@FORM
@role_required(*FAMILY)
@recent_sign_in_required
def entry_reveal(request: AuthRequest, entry_id: UUID) -> HttpResponse:
    """Show a whole number once. Each showing has its own trace; loading the page anew covers it again (P07)."""
    patient_id, section, view = _entry(request, entry_id)
    if section != Section.IDENTIFIERS:
        raise NotVisible
    number, form = "", KeyForm(request.POST or None)
    if request.method == "POST":
        if not form.is_valid() or not claim_form_key(form.cleaned_data["form_key"]):
            return to_section(request, patient_id, section)
        number = vault.reveal_identifier(by=request.actor, identifier_id=entry_id, purpose=Purpose.CARE)
    _wanted, own = whose(request, patient_id)
    return render(request, "records/sections/number.html", section_base(patient_id, section, own) | {
        "row": rows_of(_only(section, view), section)[0], "number": number, "form": KeyForm(),
    })


@require_POST
@role_required(*FAMILY)
def entry_restore(request: AuthRequest, patient_id: UUID, event_id: int) -> HttpResponse:
    """Put back what was taken out."""
    entry = services.entry_restore(by=request.actor, patient_id=patient_id, event_id=event_id)
    messages.success(request, _("It is back where it was."))
    return to_section(request, patient_id, Section(entry.section))


@require_POST
@role_required(*FAMILY)
def section_none(request: AuthRequest, patient_id: UUID, section: Section) -> HttpResponse:
    """Say "I have none", or take it back."""
    none = request.POST.get("none") != "no"
    try:
        services.section_none(by=request.actor, patient_id=patient_id, section=section, none=none)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Noted: none.") if none else _("It is open again."))
    return to_section(request, patient_id, section)


@require_POST
@role_required(*FAMILY)
def section_checked(request: AuthRequest, patient_id: UUID, section: Section) -> HttpResponse:
    """Say that all of it is still right."""
    services.section_checked(by=request.actor, patient_id=patient_id, section=section)
    messages.success(request, _("Thank you. We noted that you looked through it today."))
    return to_section(request, patient_id, section)


def _entry(request: AuthRequest, entry_id: UUID) -> tuple[UUID, Section, Any]:
    """An entry that this person may see, its section and whose it is. Raises ``NotVisible``."""
    patient_id, section = place_of(entry_id)
    if not PARTS[section]:
        raise NotVisible
    page = vault.open_section(by=request.actor, patient_id=patient_id, section=section, purpose=Purpose.CARE)
    view = next((view for view in entries_of(page.sections, section) if view.id == entry_id), None)
    acts = may_open(by=request.actor, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    if view is None or acts is None:
        raise NotVisible
    return patient_id, section, view


def _only(section: Section, view: Any) -> SectionsView:
    """A section of one entry."""
    return SectionsView(**{section.value: (view,)})


def _guarded(request: AuthRequest, patient_id: UUID) -> bool:
    """Whether this person could keep something from somebody: it is their own record, and another has a key."""
    own = may_open(by=request.actor, patient_id=patient_id, purpose=Purpose.CARE)
    return own == "self" and has_guardian(patient_id)


def section_base(patient_id: UUID, section: Section, own: bool) -> dict[str, Any]:
    record = reverse("records:record") if own else reverse("records:record_of", args=[patient_id])
    return {
        "section": section, "patient_id": patient_id, "own": own, "intro": INTRO[section], "add": ADD.get(section),
        "record_url": record, "section_url": _section_url(patient_id, section, own=own),
    }


def _section_url(patient_id: UUID, section: Section, *, own: bool) -> str:
    args = [section] if own else [patient_id, section]
    return reverse("records:section" if own else "records:section_of", args=args)


def to_section(request: AuthRequest, patient_id: UUID, section: Section) -> HttpResponse:
    _wanted, own = whose(request, patient_id)
    return redirect(_section_url(patient_id, section, own=own))


def _onto(form: EntryForm, error: DomainError) -> None:
    """The rule's sentence onto its field."""
    form.add_error(error.field if error.field in form.fields else None, error.message)
