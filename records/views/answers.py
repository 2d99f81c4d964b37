"""The answers of the health history, and the private ones, on one page to fill in (RULES 4.14)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, role_required
from portal.permissions import Purpose
from records import vault
from records.access import may_open
from records.history.forms import TopicsForm
from records.history.kinds import TOPICS
from records.history.models import Section
from records.history.topics import Said, topics_save
from records.vault import UNREADABLE, SectionsView
from records.views.record import FAMILY, whose
from records.views.rows import topics_of
from records.views.sections import FORM, section_base, to_section


@FORM
@role_required(*FAMILY)
def answers(request: AuthRequest, patient_id: UUID, section: Section) -> HttpResponse:
    """Answer as many topics as one likes; the rest stays as it is."""
    if not TOPICS.get(section):
        raise NotVisible
    sections = vault.open_section(
        by=request.actor, patient_id=patient_id, section=section, purpose=Purpose.CARE
    ).sections
    acts = may_open(by=request.actor, patient_id=patient_id, purpose=Purpose.CARE, whole=True)
    if acts is None or (section == Section.PRIVATE and sections.private_hidden):
        raise NotVisible
    standing = _standing(sections, section)
    form, now = TopicsForm(section, request.POST or None, initial=standing), ""
    if request.method == "POST" and form.is_valid():
        try:
            changed = topics_save(by=request.actor, patient_id=patient_id, section=section, answers=form.said())
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            if error.code == "changed_meanwhile":
                now = _now(sections, section, str(error.field))
                form.see({f"{code}-seen": said.seen for code, said in standing.items()})
        else:
            messages.success(request, _("Your answers are kept.") if changed else _("Nothing was changed."))
            return to_section(request, patient_id, section)
    _wanted, own = whose(request, patient_id)
    return render(request, "records/sections/answers.html", section_base(patient_id, section, own) | {
        "form": form, "now": now,
        "unreadable": [view.label for view in topics_of(sections, section).values() if view.text is UNREADABLE],
    })


def _standing(sections: SectionsView, section: Section) -> dict[str, Said]:
    """What stands there now, as the form starts with it; every topic has its version."""
    views = topics_of(sections, section)
    return {
        topic.code: Said(view.choice, view.note, view.updated_at.isoformat())
        if (view := views.get(topic.code)) is not None else Said()
        for topic in TOPICS[section]
    }


def _now(sections: SectionsView, section: Section, field: str) -> str:
    """In words, what another window put in the place of what this one showed."""
    view = topics_of(sections, section).get(field.rsplit("-", 1)[0])
    return str(view.text) if view else _("nothing")
