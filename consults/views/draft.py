"""Filling in a consult, one thing a page. Every answer is kept on the server before the next page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.selectors import OrderLine, order_line
from consults import selectors, services
from consults.forms import ConsentForm, StartForm, StepForm, initial_of
from consults.models import Consult
from consults.questionnaire import Screen
from consults.questionnaires import newest
from consults.selectors import REVIEW, Draft, Place
from consults.services import Consent
from consults.state import EDITABLE
from portal.accounts.services import remote_address
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest, permission_required
from portal.permissions import Permission

DRAFTING = permission_required(Permission.CONSULT_START)
FORM = require_http_methods(["GET", "HEAD", "POST"])


@FORM
@DRAFTING
def start(request: AuthRequest) -> HttpResponse:
    """What it takes and costs; the press makes the draft, or finds the one that is there."""
    patient_id = selectors.own_patient(request.actor)
    if patient_id is None:
        return redirect("consults:welcome")
    form = StartForm(sent_data(request))
    if request.method == "POST" and form.is_valid():
        consult = services.consult_start(
            by=request.actor, patient_id=patient_id, form_key=form.cleaned_data["form_key"]
        )
        if consult.state not in EDITABLE:
            return redirect("consults:consult", consult_id=consult.pk)
        return to_place(consult, selectors.draft_open(by=request.actor, consult=consult).next_place)
    return render(request, "consults/start.html", {"form": StartForm(), "questionnaire": newest("acne")})


@FORM
@DRAFTING
def step(request: AuthRequest, consult_id: UUID, screen_id: str) -> HttpResponse:
    """One screen of the questionnaire."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    if consult.state not in EDITABLE:
        if request.method == "POST":
            messages.warning(request, _("This consult was sent meanwhile, so what you just typed was not saved."))
        return redirect("consults:consult", consult_id=consult.pk)
    draft = selectors.draft_open(by=request.actor, consult=consult)
    screen = draft.questionnaire.screen(screen_id)
    if screen is None or not screen.shown(draft.codes):
        raise NotVisible
    if draft.stop is not None and draft.questionnaire.screen_of(draft.stop.question) != screen:
        return redirect("consults:stop", consult_id=consult.pk)
    asked = screen.asked(draft.codes)
    kept = {ident: answer.value or {} for ident, answer in draft.answers.items()}
    form = StepForm(asked, sent_data(request), initial=initial_of(asked, kept), auto_id="q_%s")
    if request.method == "POST" and form.is_valid():
        answer = _save(request, consult, screen, form)
        if answer is not None:
            return answer
    return render(request, "consults/step.html", page_of(draft, Place("step", screen.id)) | {
        "form": form, "screen": screen, "to_review": _to_review(request),
        "urgent": draft.urgent(screen, _screen_before(draft, screen)),
    })


def _save(request: AuthRequest, consult: Consult, screen: Screen, form: StepForm) -> HttpResponse | None:
    """Keep the screen's answers and go on; None when a rule refused one (the form says so)."""
    try:
        saved = services.step_save(
            by=request.actor, consult_id=consult.pk, screen_id=screen.id, answers=form.cleaned_data
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
    if saved.stop is not None:
        return redirect("consults:stop", consult_id=consult.pk)
    if "later" in request.POST:
        messages.success(request, _("Saved. You can go on whenever you like, on any device."))
        return redirect("consults:home")
    if _to_review(request):
        return redirect("consults:review", consult_id=consult.pk)
    if saved.following is not None:
        return redirect("consults:step", consult_id=consult.pk, screen_id=saved.following.id)
    draft = selectors.draft_open(by=request.actor, consult=consult)
    return to_place(consult, draft.after(Place("step", screen.id)))


@require_safe
@DRAFTING
def stop(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Advice in place of sending: what to do now, and whom to call (RULES 8.12 to 8.14)."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    draft = selectors.draft_open(by=request.actor, consult=consult) if consult.state in EDITABLE else None
    if draft is None or draft.stop is None:
        return redirect("consults:consult", consult_id=consult.pk)
    screen = draft.questionnaire.screen_of(draft.stop.question)
    return render(request, "consults/stop.html", {"consult": consult, "flag": draft.stop, "screen": screen})


@FORM
@DRAFTING
def review(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Everything once more, with consent and agreement, then on to the payment (P01, P08)."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    if consult.state not in EDITABLE:
        return redirect("consults:consult", consult_id=consult.pk)
    draft = selectors.draft_open(by=request.actor, consult=consult)
    if draft.stop is not None:
        return redirect("consults:stop", consult_id=consult.pk)
    form = ConsentForm(sent_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            consult = services.consult_submit(
                by=request.actor, consult_id=consult.pk, consent=Consent(**form.cleaned_data),
                remote_address=remote_address(request),
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return _to_payment(consult)
    return render(request, "consults/review.html", page_of(draft, REVIEW) | {
        "form": form, "urgent": draft.urgent(), "line": bill_of(consult),
    })


def bill_of(consult: Consult) -> OrderLine | None:
    """The bill at its own price, and whether it is paid; None before the consult was first sent."""
    return order_line(consult.order_id) if consult.order_id else None


def _to_payment(consult: Consult) -> HttpResponse:
    """On to the bill; a consult that was paid before a change goes straight to work."""
    if consult.paid_at is not None or consult.order_id is None:
        return redirect("consults:consult", consult_id=consult.pk)
    return redirect("billing:pay", order_id=consult.order_id)


@require_POST
@DRAFTING
def revise(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Change something before paying."""
    selectors.consult_for(by=request.actor, consult_id=consult_id)
    try:
        services.consult_revise(by=request.actor, consult_id=consult_id)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("consults:consult", consult_id=consult_id)
    return redirect("consults:review", consult_id=consult_id)


def to_place(consult: Consult, place: Place) -> HttpResponse:
    """On to a page of the draft."""
    if place.kind == "step":
        return redirect("consults:step", consult_id=consult.pk, screen_id=place.ref)
    if place.kind == "photo":
        return redirect("consults:photo", consult_id=consult.pk, view=place.ref)
    return redirect("consults:review", consult_id=consult.pk)


def page_of(draft: Draft, place: Place) -> dict[str, Any]:
    """What every page of the draft shows around its form."""
    return {
        "consult": draft.consult, "draft": draft, "part": _part(draft, place), "place": place,
        "before": draft.before(place),
        "step": draft.number(place), "steps": len(draft.places), "saved_at": draft.saved_at,
    }


def _part(draft: Draft, place: Place) -> str:
    """The words before "4 of 17"."""
    screen = draft.questionnaire.screen(place.ref) if place.kind == "step" else None
    if screen is not None:
        return screen.part
    return _("Photos") if place.kind == "photo" else _("Check and send")


def sent_data(request: AuthRequest) -> QueryDict | None:
    """What was sent, also when it is empty: a form without a tick is still an answer."""
    return request.POST if request.method == "POST" else None


def _to_review(request: AuthRequest) -> bool:
    """The page was opened from the review's "Change": it leads back there."""
    return request.GET.get("to") == "review"


def _screen_before(draft: Draft, screen: Screen) -> Screen | None:
    at = draft.path.index(screen)
    return draft.path[at - 1] if at else None
