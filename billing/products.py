"""What can be bought, and for how much. The only source of a price: nothing posted is one.

Names are neutral: they are all that Square, a card statement or a receipt ever shows (P15).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext

from portal.errors import DomainError

CONSULT_FEE = "consult_fee"
_NAMES = {CONSULT_FEE: "Online consult fee"}


@dataclass(frozen=True, slots=True)
class Product:
    """``amount_cents`` in the smallest unit of ``currency``."""

    code: str
    name: str
    amount_cents: int
    currency: str


def product(code: str) -> Product:
    """The product as sold today. Raises ``DomainError`` (``unknown_product``)."""
    prices = {CONSULT_FEE: settings.CONSULT_FEE_CENTS}
    if code not in prices:
        raise DomainError("unknown_product", gettext("This cannot be bought."))
    return Product(code=code, name=product_name(code), amount_cents=prices[code], currency=settings.CURRENCY)


def product_name(code: str) -> str:
    """The neutral name, also of something no longer sold."""
    return _NAMES.get(code, "Service fee")
