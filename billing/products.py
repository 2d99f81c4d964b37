"""What can be bought, and for how much. The only source of a price: nothing posted is one.

Names are neutral: they are all that Square, a card statement or a receipt ever shows (P15).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from portal.errors import DomainError

CONSULT_FEE = "consult_fee"
COPY_FEE = "record_copy_fee"
_NAMES = {CONSULT_FEE: "Online consult fee", COPY_FEE: "Copying fee"}
# Their price is a sum that was quoted for this one order and agreed to; all others have a price of their own.
QUOTED = frozenset({COPY_FEE})


@dataclass(frozen=True, slots=True)
class Product:
    """``amount_cents`` in the smallest unit of ``currency``."""

    code: str
    name: str
    amount_cents: int
    currency: str


def product(code: str, *, quoted_cents: int | None = None) -> Product:
    """The product as sold today; ``quoted_cents`` is the price of one that is quoted, and of no other.

    Raises ``DomainError`` (``unknown_product``), ``ValueError`` for a quoted price where none is
    due, or a missing one.
    """
    prices = {CONSULT_FEE: settings.CONSULT_FEE_CENTS, **dict.fromkeys(QUOTED, quoted_cents)}
    if code not in prices:
        raise DomainError("unknown_product", gettext("This cannot be bought."))
    cents = prices[code]
    if (code in QUOTED) != (quoted_cents is not None) or cents is None or cents <= 0:
        raise ValueError("a product has its own price, or a quoted one above zero")
    return Product(code=code, name=product_name(code), amount_cents=cents, currency=settings.CURRENCY)


# Where a payer goes on after paying, by the order's kind; who sells it says so when it starts.
_PAGES: dict[str, Callable[[UUID], str]] = {}


def page_register(kind: str, page: Callable[[UUID], str]) -> None:
    """``page`` gives the address that belongs to an order's reference, "" where there is none any more."""
    _PAGES[kind] = page


def page_after(kind: str, reference: UUID) -> str:
    """The address to go on to from the pages of an order; "" stands for the person's home page."""
    return _PAGES[kind](reference) if kind in _PAGES else ""


def product_name(code: str) -> str:
    """The neutral name, also of something no longer sold."""
    return _NAMES.get(code, "Service fee")
