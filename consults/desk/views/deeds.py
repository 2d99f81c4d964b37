"""What a clinician does with a case besides answering: take, put back, write, ask, decline, close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from consults import services
from consults.desk import selectors
from consults.desk.forms import DeclineForm, MessageForm
from consults.desk.views.answer import keep_typed
from consults.desk.views.case import case_page
from consults.models import Consult
from consults.state import TRANSITIONS, ConsultAction, ConsultState
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest


@require_POST
def take(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Take a waiting case. Two who press at once: one gets it, the other is told."""
    try:
        services.consult_take(by=request.actor, consult_id=consult_id)
    except (DomainError, NotVisible):
        consult = Consult.objects.filter(pk=consult_id, paid_at__isnull=False).first()
        if consult is None:
            raise
        if consult.assigned_to != request.account_id:
            messages.warning(request, _("Somebody else took this case just now. Please choose another."))
            return redirect("admin:consults_queue")
    return redirect("admin:consults_case", consult_id=consult_id)


@require_POST
def release(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Put the case back in the queue, with its draft."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    refused = keep_typed(request, consult)
    if refused is not None:
        return refused
    return _deed(request, consult_id, services.consult_release, _("The case is back in the queue."), home=True)


@require_POST
def close(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Close an answered case: nothing more is expected from either side."""
    selectors.consult_for(by=request.actor, consult_id=consult_id)
    return _deed(request, consult_id, services.consult_close, _("The case is closed."), home=True)


@require_POST
def answered(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """A signed case that was opened again by a question goes back to answered, as it was signed."""
    selectors.consult_for(by=request.actor, consult_id=consult_id)
    return _deed(request, consult_id, services.consult_answer, _("The case is answered again."), home=True)


@require_POST
def message(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Write to the patient in the thread of this consult (S3)."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)

    def send(body: str, form_key: UUID) -> None:
        services.consult_message(by=request.actor, consult_id=consult.pk, body=body, form_key=form_key)

    return _write(request, consult, send, _("Message sent. The patient is told by mail."))


@require_POST
def ask(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Ask the patient; the case waits for the answer."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)

    def send(body: str, form_key: UUID) -> None:
        services.consult_ask(by=request.actor, consult_id=consult.pk, body=body, form_key=form_key)

    return _write(request, consult, send, _("Question sent. The case waits for the patient’s answer."))


@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """Say why we cannot help online; the patient is told and gets the money back."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    if (ConsultState(consult.state), ConsultAction.DECLINE) not in TRANSITIONS or consult.assigned_to is None:
        messages.warning(request, _("This case cannot be declined any more."))
        return redirect("admin:consults_case", consult_id=consult.pk)
    form = DeclineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.consult_decline(by=request.actor, consult_id=consult.pk, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("Declined. The patient reads your words and gets the money back."))
            return redirect("admin:consults_queue")
    context = {
        **admin.site.each_context(request),
        "title": _("Decline the case"), "card": selectors.preview(by=request.actor, consult=consult), "form": form,
    }
    return render(request, "consults/staff/decline.html", context)


def _write(
    request: AuthRequest, consult: Consult, send: Callable[[str, UUID], None], said: str
) -> HttpResponse:
    """Keep the half-written answer, send the message; or show both again with what is wrong."""
    form = MessageForm(request.POST)
    refused = keep_typed(request, consult, message=form)
    if refused is not None:
        return refused
    if form.is_valid():
        try:
            send(form.cleaned_data["body"], form.cleaned_data["form_key"])
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, said)
            return redirect("admin:consults_case", consult_id=consult.pk)
    return case_page(request, consult, message=form)


def _deed(
    request: AuthRequest, consult_id: UUID, service: Any, said: str, *, home: bool = False
) -> HttpResponse:
    try:
        service(by=request.actor, consult_id=consult_id)
        messages.success(request, said)
    except DomainError as error:
        messages.error(request, error.message)
        home = False
    return redirect("admin:consults_queue") if home else redirect("admin:consults_case", consult_id=consult_id)
