"""The payer's pages, and the address that Square's events are sent to."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import selectors, services, square
from billing.models import Order
from billing.products import page_after
from billing.state import OrderState
from portal.accounts.services import remote_address
from portal.errors import DomainError
from portal.guards import AuthRequest, permission_required
from portal.permissions import Permission

log = logging.getLogger(__name__)

MAX_EVENT_BYTES = 200_000
RETURN_TIMEOUT_SECONDS = 3
# The waiting page asks by itself for about a minute and a half: an open tab must not ask for ever.
MAX_LOOKS = 20


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.PAY)
def pay(request: AuthRequest, order_id: UUID) -> HttpResponse:
    """Say what Square will see and that its own policy applies (P15); on POST, go there.

    Nothing in the form counts but the press itself: the price is the order's own.
    """
    order = selectors.order_for(request.account_id, order_id)
    if order.state == OrderState.PAID:
        return redirect("billing:receipt", order_id=order.pk)
    if order.state != OrderState.OPEN:
        return redirect("billing:return", order_id=order.pk)
    if request.method != "POST":
        return _pay_page(request, order)
    try:
        url = services.checkout_start(by=request.actor, order=order, remote_address=remote_address(request))
    except DomainError as error:
        if error.code == "already_paid":
            return redirect("billing:receipt", order_id=order.pk)
        order.refresh_from_db()
        return _pay_page(request, order, problem=error.message, status=409)
    except square.SquareError as error:
        log.warning("checkout of order %s: %s", order.pk, error)
        return _pay_page(request, order, square_down=True, status=503)
    return redirect(url)


def _pay_page(
    request: HttpRequest, order: Order, *, problem: str = "", square_down: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "line": selectors.order_line(order.pk),
        "declined": selectors.was_declined(order.pk),
        "problem": problem,
        "square_down": square_down,
        "square_privacy_url": settings.SQUARE_PRIVACY_URL,
        "home_url": page_after(order.kind, order.reference) or settings.LOGIN_REDIRECT_URL,
    }
    return render(request, "billing/pay.html", context, status=status)


@require_safe
@permission_required(Permission.PAY)
def pay_return(request: AuthRequest, order_id: UUID) -> HttpResponse:
    """Back from Square: look there once, shortly, and say how it stands.

    Asking again (by script every few seconds, or by a link) shows the same page. What Square's
    redirect says in its query is never believed.
    """
    order = selectors.order_for(request.account_id, order_id)
    answered = True
    if order.state != OrderState.PAID:
        try:
            order = services.payment_sync(order.pk, timeout=RETURN_TIMEOUT_SECONDS)
        except square.SquareError as error:
            log.warning("return of order %s: %s", order.pk, error)
            answered = False
    outcome, page = _outcome(order, answered), page_after(order.kind, order.reference)
    template = "billing/_outcome.html" if request.headers.get("HX-Request") else "billing/return.html"
    context = {
        "line": selectors.order_line(order.pk),
        "outcome": outcome,
        "title": _OUTCOME_TITLES[outcome](),
        "home_url": page or settings.LOGIN_REDIRECT_URL,
        "goes_home": not page,
        "next_look": _next_look(request.GET.get("look", "")),
    }
    return render(request, template, context)


def _next_look(look: str) -> int:
    """How often the page has asked again by itself, plus one; 0 when it should stop and let be."""
    so_far = int(look) if look.isascii() and look.isdigit() and len(look) < 4 else 0
    return so_far + 1 if so_far < MAX_LOOKS else 0


_OUTCOME_TITLES = {
    "paid": lambda: _("Thank you. You have paid."),
    "review": lambda: _("We are looking at your payment"),
    "cancelled": lambda: _("Nothing to pay"),
    "waiting": lambda: _("We are waiting for Square"),
    "declined": lambda: _("The card was declined"),
    "unpaid": lambda: _("You have not paid yet"),
}


def _outcome(order: Order, answered: bool) -> str:
    """How it stands, as a code of the templates."""
    settled = {OrderState.PAID: "paid", OrderState.NEEDS_REVIEW: "review", OrderState.CANCELLED: "cancelled"}
    if OrderState(order.state) in settled:
        return settled[OrderState(order.state)]
    if not answered or selectors.is_on_its_way(order.pk):
        return "waiting"
    return "declined" if selectors.was_declined(order.pk) else "unpaid"


@require_safe
@permission_required(Permission.PAY)
def receipt(request: AuthRequest, order_id: UUID) -> HttpResponse:
    """A receipt to read or print; an unpaid order has none, so its payment page is shown."""
    order = selectors.order_for(request.account_id, order_id)
    line = selectors.order_line(order.pk)
    if not line.receipt:
        return redirect("billing:pay", order_id=order.pk)
    return render(request, "billing/receipt.html", {"line": line})


@require_safe
@permission_required(Permission.PAY)
def payments(request: AuthRequest) -> HttpResponse:
    """All orders of this account, with what to pay and the receipts."""
    return render(request, "billing/payments.html", {"lines": selectors.order_lines(request.account_id)})


@require_safe
def money_desk(request: AuthRequest) -> HttpResponse:
    """What somebody at the clinic must look at: the patient was told that a person does. Names nobody."""
    context = {
        **admin.site.each_context(request),
        "title": _("Money to look at"),
        "lines": selectors.money_trouble(),
    }
    return render(request, "billing/staff/money.html", context)


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Note a signed event and answer at once. Forged: 403 and nothing kept. Repeated: 200, nothing new."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_EVENT_BYTES:
        return HttpResponse(status=413)
    raw_body = request.body
    if not square.verify_webhook(request.headers, raw_body):
        log.warning("an event with a wrong signature was refused")
        return HttpResponse(status=403)
    try:
        services.webhook_store(raw_body)
    except ValueError:
        return HttpResponse(status=400)
    return HttpResponse(status=200)
