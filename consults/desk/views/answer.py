"""The answer form's deeds: fill from a template, keep a draft, look at it, sign and send.

Whatever is refused, the page comes back with every word that was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from consults.desk import selectors
from consults.desk.casefile import open_case_file
from consults.desk.forms import WORDS, AnswerForms, MessageForm, filled_from
from consults.desk.services import answer_sign, draft_save, draft_version
from consults.desk.templates_library import plan_templates
from consults.desk.views.case import case_page, cautions_of, preview_page
from consults.models import Consult
from consults.state import WITH_CLINICIAN, ConsultState
from portal.errors import DomainError
from portal.guards import AuthRequest

SHOWN = ("left", "right")


@require_POST
def fill(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Fill what is still empty from a template; own words stay. Nothing is saved yet."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    forms = AnswerForms(request.POST)
    template = plan_templates().get(request.POST.get("template", ""))
    if consult.state not in WITH_CLINICIAN:
        return _kept(request, consult, forms)
    if template is None:
        messages.warning(request, _("Choose a template first."))
        return case_page(request, consult, forms=forms)
    return case_page(request, consult, forms=AnswerForms(initial=filled_from(template, forms.typed())))


def keep_typed(request: AuthRequest, consult: Consult, *, message: MessageForm | None = None) -> HttpResponse | None:
    """Keep the half-written answer that was sent along with another deed of the page.

    Returns None when all is kept; else the page again, with every word and what is wrong.
    """
    if "letter" not in request.POST or consult.state not in WITH_CLINICIAN:
        return None
    forms = AnswerForms(request.POST)
    if not forms.is_valid():
        return case_page(request, consult, forms=forms, message=message)
    if forms.untouched:
        return None
    try:
        _keep(request, consult, forms)
    except DomainError as error:
        return _refused(request, consult, forms, error, message=message)
    return None


@require_POST
def save(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Keep a draft. ``then`` says what next: ``plan`` shows it as the patient will see it."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    forms = AnswerForms(request.POST)
    if not forms.is_valid():
        return _again(request, consult, forms)
    try:
        _keep(request, consult, forms)
    except DomainError as error:
        return _refused(request, consult, forms, error)
    then = request.POST.get("then", "")
    if then == "decline":
        return redirect("admin:consults_decline", consult_id=consult.pk)
    if not then:
        messages.success(request, _("Draft saved."))
    return _case(request, consult, show=then == "plan")


@require_POST
def sign(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Keep the answer, sign it and send it to the patient. From then on it is fixed."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    forms = AnswerForms(request.POST)
    if consult.state not in WITH_CLINICIAN:
        return _kept(request, consult, forms)
    valid = forms.is_valid()
    file = open_case_file(by=request.actor, consult=consult)
    cautious = bool(file.flags or cautions_of(file, forms))
    steps = any(forms.steps.values()) if valid else True
    if not forms.answer.require_for_signing(cautious=cautious, steps=steps) or not valid:
        return _again(request, consult, forms)
    try:
        _keep(request, consult, forms, deed=answer_sign)
    except DomainError as error:
        return _refused(request, consult, forms, error)
    messages.success(request, _("Signed and sent. The patient is told that the answer is there."))
    return redirect("admin:consults_queue")


def _keep(
    request: AuthRequest, consult: Consult, forms: AnswerForms, *, deed: Callable[..., object] = draft_save
) -> None:
    data = forms.answer.cleaned_data
    content: dict[str, Any] = {**{name: data[name] for name in WORDS}, "weeks": data["weeks"], **forms.steps}
    deed(by=request.actor, consult_id=consult.pk, version=data["version"], content=content)


def _again(request: AuthRequest, consult: Consult, forms: AnswerForms) -> HttpResponse:
    if consult.state not in WITH_CLINICIAN:
        return _kept(request, consult, forms)
    return case_page(request, consult, forms=forms)


def _refused(
    request: AuthRequest, consult: Consult, forms: AnswerForms, error: DomainError, *,
    message: MessageForm | None = None,
) -> HttpResponse:
    """The rule that said no, on the page with everything as it was typed."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult.pk)
    if consult.state not in WITH_CLINICIAN:
        return _kept(request, consult, forms)
    field = error.field if error.field in forms.answer.fields else None
    forms.answer.add_error(field, error.message)
    # The next press knows the draft that is there now: the person has been told of it.
    if error.code == "draft_unreadable":
        messages.error(request, error.message)
        return case_page(request, consult, kept=forms.typed(), message=message)
    forms.renew(draft_version(consult.encounter_id))
    return case_page(request, consult, forms=forms, message=message)


def _kept(request: AuthRequest, consult: Consult, forms: AnswerForms) -> HttpResponse:
    """The case was answered or put back meanwhile: nothing was saved, so the words are shown to copy."""
    messages.error(request, _("This case was answered or put back in another window. Nothing was saved here."))
    typed = forms.typed()
    if consult.state == ConsultState.SUBMITTED:
        return preview_page(request, consult, kept=typed)
    return case_page(request, consult, kept=typed)


def _case(request: AuthRequest, consult: Consult, *, show: bool) -> HttpResponse:
    """Back to the case, with the same pictures side by side."""
    chosen = {name: request.POST[name] for name in SHOWN if request.POST.get(name)}
    if show:
        chosen["show"] = "plan"
    url = reverse("admin:consults_case", args=[consult.pk])
    return redirect(f"{url}?{urlencode(chosen)}{'#plan-preview' if show else ''}" if chosen else url)
