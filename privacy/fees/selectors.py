"""Reading quotes for pages."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from billing.selectors import money_text
from privacy.fees.models import FeeQuote, FeeState
from records.vault.content import opened


@dataclass(frozen=True)
class QuoteView:
    """A quote with its sums as people read them."""

    row: FeeQuote
    lines: tuple[tuple[str, str], ...]
    total: str
    wish: str = ""

    @property
    def waits(self) -> bool:
        """True while who asked can still answer or pay."""
        return self.row.state in (FeeState.QUOTED, FeeState.ACCEPTED)

    @property
    def accepted(self) -> bool:
        return self.row.state == FeeState.ACCEPTED


def cents_text(cents: int) -> str:
    """``$5.02``, and ``-$5.02`` for what is taken off."""
    text = money_text(abs(cents), settings.CURRENCY)
    return f"-{text}" if cents < 0 else text


def quote_view(row: FeeQuote) -> QuoteView:
    """The quote as pages show it."""
    lines = tuple((label, cents_text(cents)) for _code, label, cents in row.lines)
    return QuoteView(row, lines, cents_text(row.cents), opened(row, "wish"))


def newest_quote(request_id: UUID) -> QuoteView | None:
    """The last quote of a request, whatever became of it."""
    row = FeeQuote.objects.filter(request_id=request_id).exclude(state=FeeState.REPLACED).order_by("-quoted_at").first()
    return quote_view(row) if row else None


def settled(request_id: UUID) -> bool:
    """True when the fee of a request is paid, or there is none to pay."""
    return FeeQuote.objects.filter(request_id=request_id, state__in=[FeeState.PAID, FeeState.WAIVED]).exists()
