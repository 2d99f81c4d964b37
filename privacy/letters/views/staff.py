"""The desk of letters: what must be printed and posted, what came back, what could not be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest
from privacy.letters import reading, selectors, services
from privacy.letters.forms import AddressForm, PostedForm, ReturnedForm, SettleForm
from privacy.letters.models import PrintState


@require_GET
def desk(request: AuthRequest) -> HttpResponse:
    """Everything that waits for somebody, and what went out last."""
    context = {
        **admin.site.each_context(request), "title": _("Letters"),
        "to_print": reading.desk_queue(request.actor, PrintState.TO_PRINT),
        "printed": reading.desk_queue(request.actor, PrintState.PRINTED),
        "returned": reading.desk_queue(request.actor, PrintState.RETURNED),
        "not_made": selectors.not_made(), "gone_out": selectors.lines(selectors.gone_out()),
    }
    return render(request, "privacy/letters/desk.html", context)


@require_GET
def letter(request: AuthRequest, letter_id: UUID, bound: dict[str, forms.Form] | None = None) -> HttpResponse:
    """One letter: its words, where its paper is, and the next step."""
    view = reading.desk_open(by=request.actor, letter_id=letter_id)
    paper = PrintState(view.row.paper)
    shown: dict[str, forms.Form] = {}
    signed = services.is_signed_for(view.row)
    if paper in (PrintState.TO_PRINT, PrintState.PRINTED, PrintState.RETURNED) and not signed:
        first = {"name": view.to[0] if view.to else "", "address": "\n".join(view.to[1:])}
        shown["address"] = AddressForm(initial=first)
    if paper in (PrintState.TO_PRINT, PrintState.PRINTED) and view.has_address and view.row.made_at:
        shown["posted"] = PostedForm()
    if paper == PrintState.POSTED:
        shown["returned"] = ReturnedForm()
    if paper == PrintState.RETURNED:
        shown["settle"] = SettleForm()
    context = {
        **admin.site.each_context(request), "title": view.title, "letter": view, "forms": {**shown, **(bound or {})},
        "problem": next(iter(bound or {}), ""), "account": view.row.account_id is not None,
        "unmade": view.row.made_at is None, "signed": signed,
    }
    return render(request, "privacy/letters/staff_letter.html", context)


@require_GET
def letter_file(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """What is printed for it, shown in the browser."""
    response = HttpResponse(reading.desk_file(by=request.actor, letter_id=letter_id), content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="letter.pdf"'
    return response


@require_POST
def batch(request: AuthRequest) -> HttpResponse:
    """All that waits in one file; it counts as printed then."""
    try:
        made = reading.batch(by=request.actor)
    except DomainError as error:
        messages.info(request, error.message)
        return redirect("admin:letters")
    response = HttpResponse(made, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="letters-{today():%Y-%m-%d}.pdf"'
    return response


@require_POST
def all_posted(request: AuthRequest) -> HttpResponse:
    """Those ticked were posted today."""
    done, ticked = 0, request.POST.getlist("letter")[: reading.BATCH_MOST]
    for letter_id in ticked:
        try:
            services.letter_posted(by=request.actor, letter_id=UUID(letter_id), on=today())
        except (DomainError, NotVisible, ValueError):
            continue  # somebody else has just done it, or it has moved on: the list shows it
        done += 1
    said = ngettext("%(n)d letter is marked as posted today.", "%(n)d letters are marked as posted today.", done)
    messages.success(request, said % {"n": done})
    if len(ticked) > done:
        messages.error(request, _("Some were taken back or changed meanwhile. Post only those that are listed below."))
    return redirect("admin:letters")


def _deed(
    request: AuthRequest, letter_id: UUID, name: str, form: forms.Form, service: Callable[..., Any], said: str
) -> HttpResponse:
    """One filled form, one service; what it refuses is shown at its field."""
    if form.is_valid():
        try:
            service(by=request.actor, letter_id=letter_id, **form.cleaned_data)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, said)
            return redirect("admin:letter", letter_id=letter_id)
    request.method = "GET"
    return letter(request, letter_id, {name: form})


@require_POST
def posted(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """It was given to the post."""
    form = PostedForm(request.POST)
    return _deed(request, letter_id, "posted", form, services.letter_posted, _("It is noted as posted."))


@require_POST
def returned(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """The post brought it back."""
    said = _("It is noted. Next: find a better address, or tell the person in another way.")
    return _deed(request, letter_id, "returned", ReturnedForm(request.POST), services.letter_returned, said)


@require_POST
def address(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """A new address; it is made anew."""
    said = _("The letter is made anew with this address, and waits to be printed.")
    return _deed(request, letter_id, "address", AddressForm(request.POST), services.letter_readdress, said)


@require_POST
def settle(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """The person was told in another way."""
    form = SettleForm(request.POST)
    return _deed(request, letter_id, "settle", form, services.letter_settle, _("It is noted how the person was told."))


@require_POST
def again(request: AuthRequest, letter_id: UUID) -> HttpResponse:
    """Try to make a letter once more."""
    try:
        services.letter_make_again(by=request.actor, letter_id=letter_id)
        messages.success(request, _("It is being made again. Load the page again in a minute."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("admin:letter", letter_id=letter_id)
