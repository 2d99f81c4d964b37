"""Quoting a fee, the answer to it, its payment, and giving it back (P36, RULES 1.10-1.13, 1.33, 4.7).

The request's engine knows that a cost was named and agreed; the sum, its lines and the order are
here. Agreeing leads to the same hosted checkout as a consult; what Square tells comes up through
``billing.signals``, and the sweep finds what got lost on the way.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Order
from billing.products import COPY_FEE
from billing.services import order_open, order_undo
from billing.state import OrderState
from portal.accounts.models import User
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, Role, require
from privacy.fees.calculator import COUNTED, FREE, Form, Method, Quote
from privacy.fees.calculator import quote as priced
from privacy.fees.letters import quote_letter
from privacy.fees.models import FeeQuote, FeeState
from privacy.fees.state import LIVE, FeeAction, after
from privacy.requests import services as engine
from privacy.requests.models import RightsRequest
from privacy.requests.registry import rules_of
from privacy.requests.state import RequestState

log = logging.getLogger(__name__)
ORDER_KIND = COPY_FEE
REFUND_REASON = "service_not_given"
DROPPED = (RequestState.WITHDRAWN, RequestState.DENIED, RequestState.JOINED)
TO_PAY = (FeeState.QUOTED, FeeState.ACCEPTED, FeeState.PAID)
AT_ONCE = 200


def quote_send(
    *, by: Actor, request_id: UUID, quote: Quote, form: Form, method: Method, pages: int, minutes: int = 0
) -> FeeQuote:
    """Name what a request costs, line by line; one that was named before and not paid is replaced.

    A fee of zero waits for nobody. Raises ``DomainError``: ``fee_paid`` when it is paid already,
    ``fee_free`` when the law lets nothing be asked this time (RULES 1.33), and what the engine says
    (``no_fee``, ``identity_first``, ``request_state``).
    """
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        request = _request(request_id)
        is_free = rules_of(request.kind).is_free
        if not quote.free and is_free is not None and is_free(request):
            raise DomainError("fee_free", _("This one is free: nothing may be asked for it."))
        _replace(by, request)
        engine.fee_quote(by=by, request_id=request_id, cents=quote.cents)
        row = FeeQuote.objects.create(
            request_id=request_id, subject_id=_subject(request), account_id=request.account_id, form=form.value,
            method=method.value, pages=pages, minutes=minutes, cents=quote.cents, quoted_by=by.account_id,
            lines=[[line.code, line.label, line.cents] for line in quote.lines],
            state=FeeState.WAIVED if quote.free else FeeState.QUOTED,
        )
        _audit(by, Action.CREATE, row)
        if not quote.free:
            quote_letter(by=by, request=request, row=row)
        return row


def cost_name(
    *, by: Actor, request_id: UUID, pages: int, minutes: int, postage_cents: int, waive: bool = False
) -> FeeQuote:
    """Name what something on paper costs whose pages nobody can count yet: a list of disclosures.

    Raises ``NotVisible``, ``DomainError`` ``copy_not_made`` for a copy, whose pages are counted in it,
    and what ``calculator.quote`` and ``quote_send`` say.
    """
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        kind = _request(request_id).kind
        if kind in COUNTED:
            raise DomainError("copy_not_made", _("First have the copy made, so that its pages are counted."))
        cost = FREE if waive else priced(
            method=Method.ACTUAL, form=Form.PAPER, pages=pages, minutes=minutes, postage_cents=postage_cents, kind=kind
        )
        return quote_send(
            by=by, request_id=request_id, quote=cost, form=Form.PAPER, method=Method.ACTUAL, pages=pages,
            minutes=minutes,
        )


def _replace(by: Actor, request: RightsRequest) -> None:
    """The quote that stands gives way to another; nothing paid is touched."""
    former = FeeQuote.objects.select_for_update().filter(request_id=request.pk, state__in=LIVE).first()
    if former is None:
        return
    if former.state == FeeState.PAID:
        raise DomainError("fee_paid", _("This is paid already. Give it back before you name another sum."))
    _order_undone(former)
    former.state = after(former.state, FeeAction.REPLACE)
    former.save(update_fields=["state"])
    if request.state == RequestState.WAITING_FEE:
        engine.fee_take_back(by=by, request_id=request.pk)


def quote_accept(*, by: Actor, quote_id: UUID) -> Order:
    """Who asked agrees to the sum: the order to pay it. The request goes on when it is paid.

    Raises ``NotVisible`` for somebody else's quote, ``DomainError`` ``fee_state`` for one that moved on.
    """
    require(by, Permission.PAY)
    with transaction.atomic():
        row = _own(by, quote_id)
        state = after(row.state, FeeAction.ACCEPT)
        order = order_open(
            by=by, subject_id=row.subject_id, kind=ORDER_KIND, reference=row.pk, product_code=COPY_FEE,
            quoted_cents=row.cents,
        )
        if row.state == FeeState.QUOTED:
            row.state, row.order_id, row.answered_at = state, order.pk, timezone.now()
            row.save(update_fields=["state", "order_id", "answered_at"])
            _audit(by, Action.AGREE, row)
        return order


def quote_decline(*, by: Actor, quote_id: UUID, wish: str = "") -> FeeQuote:
    """Who asked does not want it at this price, and may say what would be enough (RULES 1.33).

    Back to the desk, where something smaller can be offered.
    """
    with transaction.atomic():
        row = _own(by, quote_id)
        row.state, row.answered_at = after(row.state, FeeAction.DECLINE), timezone.now()
        _order_undone(row)
        row.wish = wish.strip()
        row.save(update_fields=["state", "answered_at", "wish"])
        _audit(by, Action.WITHDRAW, row)
        engine.fee_decline(by=by, request_id=row.request_id)
        return row


def quote_paid(quote_id: UUID) -> bool:
    """The order is paid: the request goes on. Safe to repeat; what was paid for nothing goes back.

    Called by billing's signal, inside its transaction, and by the sweep.
    """
    with transaction.atomic():
        found = _with_request(quote_id)
        if found is None:
            return False
        request, row = found
        order = Order.objects.filter(pk=row.order_id).first() if row.order_id else None
        if order is None:
            return False
        if order.state != OrderState.PAID or row.state in (FeeState.PAID, FeeState.REFUNDED):
            return False
        row.paid_at, row.paid_how = timezone.now(), "square"
        if row.state != FeeState.ACCEPTED or request.state != RequestState.WAITING_FEE:
            _give_back(row)
            return False
        row.state = after(row.state, FeeAction.PAY)
        row.save(update_fields=["state", "paid_at", "paid_how"])
        _audit(SYSTEM, Action.PAY, row)
        engine.fee_accept(by=_payer(row), request_id=request.pk)
        _go_on(request)
        return True


def _go_on(request: RightsRequest) -> None:
    """What is paid is done at once; where something is still missing, the officer sees it on the desk."""
    try:
        with transaction.atomic():
            engine.request_carry_out(by=SYSTEM, request_id=request.pk)
    except DomainError as error:
        log.info("request %s is paid and waits for the officer: %s", request.pk, error.code)


def quote_settled_by_post(*, by: Actor, quote_id: UUID) -> FeeQuote:
    """The officer has a check in hand, from somebody who does not pay in the portal."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        found = _with_request(quote_id)
        if found is None:
            raise NotVisible
        row = found[1]
        row.state, row.paid_at, row.paid_how = after(row.state, FeeAction.PAY_BY_POST), timezone.now(), "by_post"
        _order_undone(row)
        row.save(update_fields=["state", "paid_at", "paid_how"])
        _audit(by, Action.PAY, row)
        engine.fee_accept(by=by, request_id=row.request_id)
        _go_on(found[0])
        return row


def quote_drop(request: RightsRequest) -> None:
    """The request ended before the work: nothing is paid any more, and what was paid goes back (P36)."""
    for row in FeeQuote.objects.select_for_update().filter(request_id=request.pk, state__in=LIVE):
        if row.state == FeeState.PAID:
            _give_back(row)
            continue
        if row.state == FeeState.WAIVED:
            continue
        _order_undone(row)
        row.state = after(row.state, FeeAction.DROP)
        row.save(update_fields=["state"])


def fees_sweep() -> dict[str, int]:
    """Find payments whose signal got lost, and quotes of requests that ended first."""
    orders = Order.objects.filter(kind=ORDER_KIND, state=OrderState.PAID).values("pk")
    waiting = FeeQuote.objects.filter(paid_at=None, order_id__in=orders)
    paid = sum(quote_paid(pk) for pk in list(waiting.values_list("pk", flat=True)[:AT_ONCE]))
    dropped = RightsRequest.objects.filter(
        state__in=[state.value for state in DROPPED],
        pk__in=FeeQuote.objects.filter(state__in=TO_PAY).values("request_id"),
    )
    ids = list(dropped.values_list("pk", flat=True)[:AT_ONCE])
    for request_id in ids:
        with transaction.atomic():
            quote_drop(_request(request_id))
    return {"paid": paid, "dropped": len(ids)}


def _give_back(row: FeeQuote) -> None:
    """All of it, the way it came; a check is sent back by hand, which the state reminds of."""
    if row.order_id is not None:
        order_undo(
            by=SYSTEM, order=Order.objects.get(pk=row.order_id), reason_code=REFUND_REASON, once_key=f"fee-{row.pk}"
        )
    row.state = after(row.state, FeeAction.GIVE_BACK)
    row.save(update_fields=["state", "paid_at", "paid_how"])
    _audit(SYSTEM, Action.REFUND, row)


def _order_undone(row: FeeQuote) -> None:
    """Make sure that nobody pays this quote any more."""
    if row.order_id is not None:
        order_undo(
            by=SYSTEM, order=Order.objects.get(pk=row.order_id), reason_code=REFUND_REASON, once_key=f"fee-{row.pk}"
        )


def _request(request_id: UUID) -> RightsRequest:
    request = RightsRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise NotVisible
    return request


def _subject(request: RightsRequest) -> UUID:
    if request.subject_id is None:
        raise DomainError("needs_record", _("First choose whose record this is about."))
    return request.subject_id


def _with_request(quote_id: UUID) -> tuple[RightsRequest, FeeQuote] | None:
    """The quote and its request, the request locked first: in one order everywhere."""
    request_id = FeeQuote.objects.filter(pk=quote_id).values_list("request_id", flat=True).first()
    if request_id is None:
        return None
    return _request(request_id), FeeQuote.objects.select_for_update().get(pk=quote_id)


def _own(by: Actor, quote_id: UUID) -> FeeQuote:
    """The quote, if this account asked. Raises ``NotVisible``."""
    found = _with_request(quote_id)
    if found is None or found[1].account_id != by.account:
        raise NotVisible
    return found[1]


def _payer(row: FeeQuote) -> Actor:
    """Who agreed, in the role of their account: the engine hears it from them."""
    if row.account_id is None:
        raise NotVisible
    role = User.objects.values_list("role", flat=True).filter(pk=row.account_id).first()
    return Actor(row.account_id, Role(role or Role.ANONYMOUS))


def _audit(by: Actor, action: Action, row: FeeQuote) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=row.subject_id, object_kind="privacy.fee",
        object_id=row.pk, basis=f"request:{row.request_id}",
    )
