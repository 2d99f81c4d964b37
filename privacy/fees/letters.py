"""What something costs, told in a letter to whom the portal does not tell it (RULES 1.13, 1.33)."""

from __future__ import annotations

from portal.context import Actor
from privacy.fees.models import FeeQuote
from privacy.fees.selectors import cents_text
from privacy.letters.services import letter_write
from privacy.requests.letters import recipient_of
from privacy.requests.models import RightsRequest
from records.contact.selectors import wants_post


def quote_letter(*, by: Actor, request: RightsRequest, row: FeeQuote) -> None:
    """In the portal the page of the request tells it, and a mail leads there; all others get it in a letter."""
    if request.account_id is not None and not wants_post(request.account_id, request.subject_id):
        return
    letter_write(
        by=by, kind="fee_quote", subject_id=request.subject_id, account_id=request.account_id, request_id=request.pk,
        to=None if request.account_id else recipient_of(request), once_key=f"fee_quote:{row.pk}",
        fields={
            "request": request.get_kind_display(), "pages": str(row.pages), "total": cents_text(row.cents),
            "lines": "\n".join(f"{label}: {cents_text(cents)}" for _code, label, cents in row.lines),
        },
    )
