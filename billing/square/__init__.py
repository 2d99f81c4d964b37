"""The only place that talks to Square. Everything else sees the small frozen types below.

Square's SDK surprises (COMPONENTS 2): it points at production unless told, sleeps and retries
inside a call, and checks no answer. So the address is always given, a call is tried once with a
short time-out, and each answer is read through ``answers``. To Square
go an order reference and a neutral item name, nothing about a person (P15).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from square import Square
from square.core.api_error import ApiError
from square.core.request_options import RequestOptions
from square.environment import SquareEnvironment
from square.utils.webhooks_helper import verify_signature

from billing.square.answers import (
    Link,
    Money,
    SquareError,
    SquareOrder,
    SquarePayment,
    SquareRefund,
    SquareRefused,
    SquareUnavailable,
    read_money,
    read_payment,
    read_refund,
    read_text,
)

__all__ = [
    "Link",
    "Money",
    "SquareError",
    "SquareOrder",
    "SquarePayment",
    "SquareRefund",
    "SquareRefused",
    "SquareUnavailable",
    "link_create",
    "locations",
    "order_get",
    "payment_get",
    "payments_since",
    "refund_create",
    "refund_get",
    "verify_webhook",
]

SIGNATURE_HEADER = "x-square-hmacsha256-signature"
# Answers after which the same call, with the same key, may well work later.
TRY_LATER = frozenset({408, 409, 425, 429})

Answer = TypeVar("Answer")


@functools.lru_cache(maxsize=4)
def _client(environment: str, base_url: str, token: str, timeout: int) -> Square:
    if environment == "standin":
        if not base_url:
            raise ImproperlyConfigured("SQUARE_BASE_URL must name the stand-in.")
        return Square(base_url=base_url, token=token, timeout=timeout, follow_redirects=False)
    known = {"sandbox": SquareEnvironment.SANDBOX, "production": SquareEnvironment.PRODUCTION}
    if environment not in known:
        raise ImproperlyConfigured("SQUARE_ENVIRONMENT must be standin, sandbox or production.")
    return Square(environment=known[environment], token=token, timeout=timeout, follow_redirects=False)


def _square() -> Square:
    return _client(
        settings.SQUARE_ENVIRONMENT,
        settings.SQUARE_BASE_URL,
        settings.SQUARE_ACCESS_TOKEN,
        settings.SQUARE_TIMEOUT_SECONDS,
    )


def _once(timeout: int | None = None) -> RequestOptions:
    """One try with a short time-out (seconds); who calls decides about trying again."""
    return RequestOptions(max_retries=0, timeout_in_seconds=timeout or settings.SQUARE_TIMEOUT_SECONDS)


def _asked(call: Callable[[], Answer]) -> Answer:
    """Run one call and turn every failure into one of ours, without bodies, headers or cause."""
    try:
        return call()
    except httpx.HTTPError as error:
        raise SquareUnavailable(type(error).__name__) from None
    except ApiError as error:
        status = error.status_code or 0
        code = str(error.errors[0].code) if error.errors else "UNKNOWN"
        if status >= 500 or status < 400 or status in TRY_LATER:
            raise SquareUnavailable(code, status) from None
        raise SquareRefused(code, status) from None
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        # The SDK reads answers without checking them: an odd shape breaks it in odd ways.
        raise SquareUnavailable(f"UNREADABLE_{type(error).__name__}") from None


def _safe_address(url: str) -> str:
    """A payment page must be on HTTPS; only the stand-in may be plain."""
    if urlsplit(url).scheme != "https" and settings.SQUARE_ENVIRONMENT != "standin":
        raise SquareRefused("UNSAFE_ADDRESS")
    return url


def link_create(*, key: str, reference: UUID, item_name: str, money: Money, redirect_url: str) -> Link:
    """Make the hosted page for one order; the same ``key`` returns the same page.

    Raises ``SquareUnavailable``, ``SquareRefused`` (``IDEMPOTENCY_KEY_REUSED`` when the key was
    used for other content).
    """
    price = {"amount": money.cents, "currency": money.currency}
    answer = _asked(
        lambda: _square().checkout.payment_links.create(
            idempotency_key=key,
            order={
                "location_id": settings.SQUARE_LOCATION_ID,
                "reference_id": str(reference),
                "line_items": [{"name": item_name, "quantity": "1", "base_price_money": price}],  # type: ignore[typeddict-item]
            },
            checkout_options={
                "redirect_url": redirect_url,
                "allow_tipping": False,
                "ask_for_shipping_address": False,
                "enable_coupon": False,
                "enable_loyalty": False,
            },
            request_options=_once(),
        )
    )
    link = answer.payment_link
    url = _safe_address(read_text(getattr(link, "url", None)))
    return Link(id=read_text(getattr(link, "id", None)), order_id=read_text(getattr(link, "order_id", None)), url=url)


def order_get(square_order_id: str, *, timeout: int | None = None) -> SquareOrder:
    """The order as Square has it now."""
    found: Any = _asked(lambda: _square().orders.get(square_order_id, request_options=_once(timeout))).order
    tenders = getattr(found, "tenders", None) or ()
    paid_by = (getattr(t, "payment_id", None) or getattr(t, "id", None) for t in tenders)
    return SquareOrder(
        id=read_text(getattr(found, "id", None)),
        location_id=read_text(getattr(found, "location_id", None)),
        reference=str(getattr(found, "reference_id", None) or ""),
        total=read_money(getattr(found, "total_money", None)),
        state=str(getattr(found, "state", None) or ""),
        payment_ids=tuple(read_text(i) for i in paid_by),
    )


def payment_get(payment_id: str, *, timeout: int | None = None) -> SquarePayment:
    """The payment as Square has it now."""
    return read_payment(_asked(lambda: _square().payments.get(payment_id, request_options=_once(timeout))).payment)


def payments_since(begin: dt.datetime) -> Iterator[SquarePayment]:
    """All payments at our location made since ``begin``, oldest first; pages are fetched as needed."""
    pager = iter(
        _asked(
            lambda: _square().payments.list(
                begin_time=begin.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                location_id=settings.SQUARE_LOCATION_ID,
                sort_order="ASC",
                limit=100,
                request_options=_once(),
            )
        )
    )
    while (found := _asked(lambda: next(pager, None))) is not None:
        yield read_payment(found)


def refund_create(*, key: str, payment_id: str, money: Money, reason: str) -> SquareRefund:
    """Give money back; the same ``key`` never gives it twice. ``reason`` is a code, not prose."""
    price = {"amount": money.cents, "currency": money.currency}
    answer = _asked(
        lambda: _square().refunds.refund_payment(
            idempotency_key=key,
            payment_id=payment_id,
            amount_money=price,  # type: ignore[arg-type]
            reason=reason,
            request_options=_once(),
        )
    )
    return read_refund(answer.refund)


def refund_get(refund_id: str) -> SquareRefund:
    """The refund as Square has it now."""
    return read_refund(_asked(lambda: _square().refunds.get(refund_id, request_options=_once())).refund)


def locations() -> dict[str, str]:
    """Ids and currencies of the account's locations: proves that token and location are right."""
    found = _asked(lambda: _square().locations.list(request_options=_once())).locations or []
    return {read_text(place.id): str(place.currency or "") for place in found}


def verify_webhook(headers: Mapping[str, str], raw_body: bytes) -> bool:
    """True when one of our signature keys signed this body for our registered address.

    The address comes from the settings, never from the request. There is no time stamp in the
    signature, so a replay also passes: events are told apart by their ``event_id``.
    """
    signature = headers.get(SIGNATURE_HEADER) or ""
    try:
        body = raw_body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if not signature or not body:
        return False
    return any(
        verify_signature(
            request_body=body,
            signature_header=signature,
            signature_key=key,
            notification_url=settings.SQUARE_WEBHOOK_URL,
        )
        for key in settings.SQUARE_WEBHOOK_SIGNATURE_KEYS
        if key
    )
