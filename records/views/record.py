"""My record: everything held, at once, on the screen and on paper (P31)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.audit.models import Action
from portal.guards import AuthRequest, role_required
from portal.permissions import Purpose, Role
from records import vault
from records.access import patients_of
from records.amendments.parts import titles
from records.history.models import Section
from records.vault import RecordView
from records.vault.papers import Notes

FAMILY = (Role.PATIENT, Role.GUARDIAN)
STRIP = 6  # photos in sight before one asks for all


@require_GET
@role_required(*FAMILY)
def record(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """Everything that the clinic holds. Without an id: one's own, else the first looked after."""
    mine = patients_of(request.account_id)
    wanted = patient_id or next(iter(mine), None)
    if wanted is None:
        return render(request, "records/no_record.html")
    whole = vault.open_record(by=request.actor, patient_id=wanted, purpose=Purpose.CARE)
    others = vault.open_person_cards(
        by=request.actor, patient_ids=[pk for pk in mine if pk != wanted], purpose=Purpose.CARE
    )
    own = bool(mine) and wanted == mine[0]
    context = page_of(whole, own=own) | {"others": others.values(), "edits": _edits(wanted, own=own)}
    return render(request, "records/record.html", context | {"amend": wanted})


@require_GET
@role_required(*FAMILY)
def print_view(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """The same on paper: nothing folded, little ink. Opening it is written down as printing."""
    wanted, own = whose(request, patient_id)
    if wanted is None:
        raise Http404
    whole = vault.open_record(by=request.actor, patient_id=wanted, purpose=Purpose.CARE, action=Action.PRINT)
    return render(request, "records/print.html", page_of(whole, own=own) | {"plain": True, "now": timezone.now()})


def page_of(whole: RecordView, *, own: bool) -> dict[str, Any]:
    """What the parts in templates/records/_*.html ask for; ``own``: the words say "you"."""
    shots = [photo for encounter in whole.encounters for photo in encounter.photos if photo.ready]
    return {
        "record": whole, "notes": whole.notes, "loose": loose_notes(whole),
        "patient": whole.patient, "sections": whole.sections, "own": own,
        "ways": ways_of(whole.patient.id, own=own), "parts": _parts(whole, shots=len(shots)),
        "strip": shots[:STRIP], "shots": len(shots),
    }


def loose_notes(whole: RecordView) -> Notes:
    """Corrections and disputes about parts that are not in the record any more: they still go with it."""
    there = titles(whole)
    notes = whole.notes
    return Notes(
        tuple(paper for paper in notes.amendments if paper.part_id not in there),
        tuple(dispute for dispute in notes.disputes if dispute.part_id not in there),
    ) if notes else notes


def _parts(whole: RecordView, *, shots: int) -> list[tuple[str, str, int | None]]:
    """(anchor, words, how many stand in it or None), in the order of the page."""
    found = whole.sections
    return [
        ("contact", _("Name and contact"), None),
        ("allergies", _("Allergies"), len(found.allergies)),
        ("medications", _("Medicines"), len(found.medications)),
        ("conditions", _("Conditions"), len(found.conditions)),
        ("history", _("Health history"), len(found.history)),
        ("private", _("Private answers"), None if found.private_hidden else len(found.private)),
        ("identifiers", _("ID numbers"), len(found.identifiers)),
        ("documents", _("Documents"), len(whole.documents)),
        ("photos", _("Photos"), shots),
        ("consults", _("Consults"), len(whole.encounters)),
        ("looks", _("Who looked"), None),
    ]


def _edits(patient_id: UUID, *, own: bool) -> dict[str, str]:
    """Addresses of the sections' own pages, where they are changed."""
    if own:
        return {section.value: reverse("records:section", args=[section]) for section in Section}
    return {section.value: reverse("records:section_of", args=[patient_id, section]) for section in Section}


def whose(request: AuthRequest, patient_id: UUID | None) -> tuple[UUID | None, bool]:
    """Whose record is asked for (one's own, else the first looked after), and if it is that one."""
    mine = patients_of(request.account_id)
    wanted = patient_id or next(iter(mine), None)
    return wanted, bool(mine) and wanted == mine[0]


def ways_of(patient_id: UUID, *, own: bool) -> dict[str, str]:
    """Addresses of a record's pages, by name; one's own have no id in them."""
    names = ("record", "photos", "compare", "print", "changes")
    if own:
        return {name: reverse(f"records:{name}") for name in names}
    return {name: reverse(f"records:{name}_of", args=[patient_id]) for name in names}
