"""What the officer does with a request: each deed has an address of its own and leads back to the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.errors import DomainError
from portal.guards import AuthRequest, visible_or_404
from privacy.requests import desk_forms, services
from privacy.requests.models import RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.views.staff import officers, request_page

Deed = Callable[..., RightsRequest]


def _row(request_id: UUID) -> RightsRequest:
    return visible_or_404(RightsRequest.objects.only("kind", "subject_id", "officer_id"), pk=request_id)


def _done(request_id: UUID) -> HttpResponse:
    return redirect("admin:privacy_request", request_id=request_id)


def _act(request: AuthRequest, request_id: UUID, deed: Deed, said: str, **told: Any) -> HttpResponse:
    """A deed without a form: done, or the reason why not."""
    try:
        row = deed(by=request.actor, request_id=request_id, **told)
        if row.held_at:
            messages.warning(request, _("A legal hold stands: the deletion is noted, and goes on when it ends."))
        else:
            messages.success(request, said)
    except DomainError as error:
        messages.error(request, error.message)
    return _done(request_id)


def filled(
    request: AuthRequest, request_id: UUID, name: str, form: Form, deed: Callable[..., Any],
    said: str | Callable[[Any], str], **renamed: str,
) -> HttpResponse:
    """A deed with a form: done, or the page again with what was typed and what is wrong with it.

    For the rooms' own deeds too: ``name`` is what their panel calls the form. ``said`` may depend on what
    the deed gives back; ``renamed`` maps fields to the service's own names.
    """
    if form.is_valid():
        told = {renamed.get(field, field): value for field, value in form.cleaned_data.items()}
        try:
            made = deed(by=request.actor, request_id=request_id, **told)
        except DomainError as error:
            if error.field in form.fields:
                form.add_error(error.field, error.message)
            else:  # the state says no: that stands on the page also where this form does not any more
                messages.error(request, error.message)
        else:
            messages.success(request, said if isinstance(said, str) else said(made))
            return _done(request_id)
    request.method = "GET"
    return request_page(request, request_id, {name: form})


@require_POST
def start(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Take the request on."""
    return _act(request, request_id, services.request_start, _("The request is yours now."))


@require_POST
def carry_out(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Have it done; where it cannot be undone, only with the box ticked."""
    if rules_of(_row(request_id).kind).sure and request.POST.get("sure") != "yes":
        messages.error(request, _("Tick the box first: this cannot be undone."))
        return _done(request_id)
    return _act(request, request_id, services.request_carry_out, _("It is being carried out. The patient is told."))


@require_POST
def answer(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Write the answer to a question or a complaint."""
    form = desk_forms.AnswerForm(request.POST, outcomes=rules_of(_row(request_id).kind).outcomes)
    return filled(request, request_id, "answer_form", form, services.request_answer, _("The answer is sent."))


@require_POST
def extend(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Take the one extension of the law."""
    form = desk_forms.ExtendForm(request.POST)
    said = _("The new day stands, and a letter tells the patient why.")
    return filled(request, request_id, "extend_form", form, services.request_extend, said)


@require_POST
def assign(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Take it over, or hand it over."""
    form = desk_forms.OwnerForm(request.POST, officers=officers())

    def deed(*, by: Any, request_id: UUID, officer: str) -> RightsRequest:
        return services.request_assign(by=by, request_id=request_id, officer_id=UUID(officer))

    return filled(request, request_id, "owner_form", form, deed, _("It is in other hands now."))


@require_POST
def identity_ask(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Ask who it was; nothing runs meanwhile."""
    return _act(request, request_id, services.identity_ask, _("A letter asks for proof. Nothing runs meanwhile."))


@require_POST
def identity(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """It is known who asked."""
    form = desk_forms.IdentityForm(request.POST, known=_row(request_id).subject_id is not None)
    said = _("Written down. It is known who asked.")
    return filled(request, request_id, "identity_form", form, services.identity_confirm, said, number="subject_id")


@require_POST
def unproven(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """It could not be proven who asked."""
    form = desk_forms.LetterForm(request.POST, prefix="unproven")
    said = _("The request is closed, and a letter says why.")
    return filled(request, request_id, "unproven_form", form, services.identity_fail, said)


@require_POST
def about(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Say whose record it is about."""
    form = desk_forms.AboutForm(request.POST, prefix="about")
    said = _("Now it is known whose record this is about.")
    return filled(request, request_id, "about_form", form, services.request_about, said, number="subject_id")


@require_POST
def join(request: AuthRequest, request_id: UUID, main_id: UUID) -> HttpResponse:
    """Join it to another request of the same person."""
    said = _("Joined. It is answered together with the other one.")
    return _act(request, request_id, services.request_join, said, main_id=main_id)


@require_POST
def separate(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Take it apart again."""
    return _act(request, request_id, services.request_separate, _("It stands by itself again."))


@require_POST
def put_back(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Back to the desk what is stuck."""
    return _act(request, request_id, services.request_put_back, _("It is back on the desk."))


@require_POST
def take_back(request: AuthRequest, request_id: UUID) -> HttpResponse:
    """Note that who asked has taken it back, by letter or phone."""
    return _act(request, request_id, services.request_withdraw, _("Noted: the request was taken back."))
