"""Opening an order and leading the person to Square's page, once however often they press."""

from __future__ import annotations

import logging
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from billing import square
from billing.models import CheckoutAttempt, Order
from billing.products import product, product_name
from billing.services.sync import payment_sync
from billing.state import AttemptState, OrderAction, OrderState, next_state
from portal.agreements.models import AgreementContext
from portal.agreements.selectors import current_for_sign_up
from portal.agreements.services import agreement_record
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require

log = logging.getLogger(__name__)

# A second press waits for the first one's call to Square, no longer.
LOCK_WAIT_SECONDS = 8
SPARE_KEYS = 5


@transaction.atomic
def order_open(
    *, by: Actor, subject_id: UUID, kind: str, reference: UUID, product_code: str, quoted_cents: int | None = None
) -> Order:
    """The order for one thing to be paid; opening it again returns the first one, at its price.

    ``quoted_cents`` is the agreed sum of a product without a price of its own (``products.QUOTED``).
    Raises ``DomainError`` (``unknown_product``) and ``ValueError`` when the reference belongs to
    another subject.
    """
    require(by, Permission.PAY)
    wanted = product(product_code, quoted_cents=quoted_cents)
    order, created = Order.objects.get_or_create(
        kind=kind,
        reference=reference,
        defaults={
            "subject_id": subject_id,
            "account_id": by.account_id,
            "product_code": wanted.code,
            "amount_cents": wanted.amount_cents,
            "currency": wanted.currency,
        },
    )
    if order.subject_id != subject_id:
        raise ValueError("This reference belongs to another subject.")
    if created:
        access_record(
            by=by,
            action=Action.CREATE,
            purpose=Purpose.OPERATIONS,
            subject_id=subject_id,
            object_kind="billing.order",
            object_id=order.pk,
        )
    return order


@transaction.atomic
def order_cancel(*, by: Actor, order: Order) -> Order:
    """Nobody wants this paid any more. Raises ``DomainError``: ``order_state`` when it is paid, ``order_in_review``."""
    require(by, Permission.PAY)
    held = Order.objects.select_for_update().get(pk=order.pk)
    if held.state == OrderState.NEEDS_REVIEW:
        # There is money at Square for it: that is given back first.
        raise DomainError("order_in_review", _("We are looking at a payment for this. Please wait."))
    held.state = next_state(OrderState(held.state), OrderAction.CANCEL)
    held.save(update_fields=["state"])
    held.attempts.filter(state=AttemptState.OPEN).update(state=AttemptState.CLOSED)
    return held


def checkout_start(*, by: Actor, order: Order, return_url: str = "", remote_address: str = "") -> str:
    """The address of Square's page for this order (P15), the same for every press while unpaid.

    Going to pay is agreeing to the policies in force (P01). The row stays locked during the one
    short call, so that parallel presses make one attempt; the key follows from order and number,
    so that a call whose answer got lost is repeated, not doubled. Raises ``NotVisible`` for
    somebody else's order, ``DomainError`` (``already_paid``, ``order_cancelled``,
    ``order_in_review``) and ``SquareError``.
    """
    require(by, Permission.PAY)
    if order.account_id is None or order.account_id != by.account_id:
        raise NotVisible
    if order.attempts.filter(state=AttemptState.OPEN).exists():
        _look_before_leading_back(order)
    with transaction.atomic():
        held = _locked(order.pk)
        _refuse_unless_open(held)
        attempt = held.attempts.filter(state=AttemptState.OPEN).first()
        if attempt is None:
            attempt = _attempt_new(held, return_url or settings.SITE_URL + reverse("billing:return", args=[held.pk]))
        agreement_record(
            by=by,
            policies=current_for_sign_up(),
            context=AgreementContext.CHECKOUT,
            reference=held.pk,
            remote_address=remote_address,
        )
        access_record(
            by=by,
            action=Action.PAY,
            purpose=Purpose.OPERATIONS,
            subject_id=held.subject_id,
            object_kind="billing.order",
            object_id=held.pk,
            basis=f"attempt:{attempt.number}",
        )
    return attempt.url


def _look_before_leading_back(order: Order) -> None:
    """Somebody may have paid a minute ago, with the news still on its way: never ask twice."""
    try:
        payment_sync(order.pk, timeout=3)
    except square.SquareError as error:
        log.info("order %s: no fresh news before paying: %s", order.pk, error)


def _locked(order_id: UUID) -> Order:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'")
    try:
        return Order.objects.select_for_update().get(pk=order_id)
    except OperationalError:
        raise square.SquareUnavailable("BUSY") from None


def _refuse_unless_open(order: Order) -> None:
    if order.state == OrderState.PAID:
        raise DomainError("already_paid", _("This is already paid. Thank you."))
    if order.state == OrderState.CANCELLED:
        raise DomainError("order_cancelled", _("This was cancelled, so there is nothing to pay."))
    if order.state == OrderState.NEEDS_REVIEW:
        raise DomainError("order_in_review", _("Please don't pay again. We are looking at your payment."))


def _attempt_new(order: Order, redirect_url: str) -> CheckoutAttempt:
    """Make the next attempt. A key that Square knows with other content is passed over."""
    last = order.attempts.aggregate(last=Max("number"))["last"] or 0
    for number in range(last + 1, last + 1 + SPARE_KEYS):
        key = str(uuid5(NAMESPACE_URL, f"billing-attempt:{order.pk}:{number}"))
        try:
            link = square.link_create(
                key=key,
                reference=order.pk,
                item_name=product_name(order.product_code),
                money=square.Money(order.amount_cents, order.currency),
                redirect_url=redirect_url,
            )
        except square.SquareRefused as refused:
            if refused.code != "IDEMPOTENCY_KEY_REUSED":
                raise
            continue
        return CheckoutAttempt.objects.create(
            order=order,
            number=number,
            idempotency_key=key,
            square_order_id=link.order_id,
            link_id=link.id,
            url=link.url,
        )
    raise square.SquareUnavailable("NO_FREE_KEY")
