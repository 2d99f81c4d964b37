"""What the pages of a request show of its cost; for every kind that may have one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privacy.fees.forms import PagesForm
from privacy.fees.selectors import newest_quote
from privacy.requests.models import RightsRequest
from privacy.requests.state import RequestState


def staff_fee(request: RightsRequest, *, pages: int = 0) -> Mapping[str, Any]:
    """The last quote, and the form for a first or another one while the request is worked on."""
    working = request.state == RequestState.IN_PROGRESS
    return {"quote": newest_quote(request.pk), "cost_form": PagesForm(pages=pages) if working else None}


def patient_fee(request: RightsRequest) -> Mapping[str, Any]:
    """The last quote, with its lines."""
    return {"quote": newest_quote(request.pk)}
