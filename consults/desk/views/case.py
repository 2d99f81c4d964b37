"""The case page: who, pictures, answers, thread, and the answer beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from consults.desk import selectors
from consults.desk.casefile import CaseFile, open_case_file
from consults.desk.cautions import Caution, conflicts
from consults.desk.forms import AnswerForms, MessageForm, initial_from, initial_of
from consults.desk.services import draft_version
from consults.desk.templates_library import PlanTemplate, plan_templates
from consults.models import Consult
from consults.state import TRANSITIONS, WITH_CLINICIAN, ConsultAction, ConsultState
from portal.guards import AuthRequest
from portal.permissions import Purpose
from records.messages.services import messages_read
from records.vault import same_person_hints


@require_safe
def case(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """One case. Waiting, it shows a preview; taken, everything; answered, everything but the form."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    if consult.state == ConsultState.SUBMITTED:
        return preview_page(request, consult)
    return case_page(request, consult)


def preview_page(request: AuthRequest, consult: Consult, *, kept: Mapping[str, Any] | None = None) -> HttpResponse:
    """Enough to decide whether to take it, no more. ``kept`` is text that could not be saved."""
    context = {
        **admin.site.each_context(request),
        "title": _("Case"),
        "card": selectors.preview(by=request.actor, consult=consult),
        "kept": kept,
    }
    return render(request, "consults/staff/preview.html", context)


def case_page(
    request: AuthRequest, consult: Consult, *, forms: AnswerForms | None = None, message: MessageForm | None = None,
    kept: Mapping[str, Any] | None = None, preview: bool = False,
) -> HttpResponse:
    """The whole case, with forms as they were typed where one was refused."""
    file = open_case_file(by=request.actor, consult=consult)
    messages_read(by=request.actor, encounter_id=consult.encounter_id)
    template = plan_templates().get(_asked(request, "template"))
    editable = consult.state in WITH_CLINICIAN and not file.signed and not file.unreadable
    if editable and forms is None:
        forms = AnswerForms(initial=_start(file, template))
    context = {
        **admin.site.each_context(request),
        "title": _("Case"), "consult": consult, "file": file, "kept": kept,
        "mine": selectors.my_cards(by=request.actor), "waiting_count": selectors.waiting_count(),
        "pair": file.pair(_asked(request, "left"), _asked(request, "right")),
        "may": _deeds(consult), "editable": editable, "forms": forms,
        "message": (message or MessageForm()).place("answer" if editable else ""),
        "templates": plan_templates().values(), "template": template,
        "cautions": cautions_of(file, forms, template) if editable and forms is not None else [],
        "same": same_person_hints(by=request.actor, patient_id=consult.patient_id, purpose=Purpose.CARE),
        "preview": preview or (editable and request.GET.get("show") == "plan"),
    }
    return render(request, "consults/staff/case.html", context)


def cautions_of(file: CaseFile, forms: AnswerForms, template: PlanTemplate | None = None) -> list[Caution]:
    """What in the plan as it stands does not go with what the patient told us."""
    return conflicts(file.cautioned, forms.words, avoid_if=template.avoid_if if template else ())


def _asked(request: AuthRequest, name: str) -> str:
    """A choice of the page (pictures, template): in the address, or sent along with the form."""
    return str(request.POST.get(name) or request.GET.get(name) or "")


def _start(file: CaseFile, template: PlanTemplate | None) -> dict[str, Any]:
    """The draft; without one the template that the address names."""
    encounter = file.encounter
    values = initial_of(encounter.assessment, encounter.plan)
    if not values and template is not None:
        values = initial_from(template)
    return {**values, "version": draft_version(encounter.id)}


def _deeds(consult: Consult) -> dict[str, bool]:
    """What the state allows now, by name; ``write`` is a message without a question."""
    may = {action.value: (ConsultState(consult.state), action) in TRANSITIONS for action in ConsultAction}
    return {**may, "write": consult.state in WITH_CLINICIAN or consult.state == ConsultState.ANSWERED}
