"""Limits on sharing and other ways to be reached, as kinds of request (RULES 1.36-1.38)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from privacy.denials.grounds import grounds_for
from privacy.limits import services
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, register
from privacy.requests.state import OPEN
from records.contact.selectors import choice_of
from records.restrictions.models import RestrictionBasis
from records.restrictions.selectors import limit_of, restriction_of


def limit_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """What shall not be shared, whether the law leaves a choice, and whether it holds now."""
    row = restriction_of(request.pk)
    return {
        "limit_row": row, "must": row is not None and row.basis == RestrictionBasis.PAID_IN_FULL,
        "limit": limit_of(row) if row is not None and row.starts_at is not None else None,
        "may_enter_limit": row is None and request.state in OPEN,
        "running": row is not None and row.starts_at is not None and row.ends_at is None,
    }


def reach_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """How the person wants to be reached, in sentences."""
    row = choice_of(request.pk)
    return {
        "choice": row, "choice_words": services.ways_of(row) if row is not None else [],
        "may_enter_choice": row is None and request.state in OPEN,
    }


def register_kinds() -> None:
    """Called once at start."""
    register(KindRules(
        RequestKind.RESTRICTION, due_days="RESTRICTION_DUE_DAYS", grounds=grounds_for(RequestKind.RESTRICTION),
        fulfil=services.limit_fulfil, stopped=services.limit_stopped, ask_page="privacy:limit",
        staff_panel="privacy/limits/_limit_staff.html",
        staff_context=limit_context, patient_panel="privacy/limits/_limit.html", patient_context=limit_context,
        refuse_page="admin:privacy_refuse",
        wish=_("Limit what we share"), wish_about=_("Tell us what shall not go to whom."), deed=_("Agree to it"),
    ))
    # No grounds: what is reasonable is never refused, and what is not is talked over.
    register(KindRules(
        RequestKind.CONFIDENTIAL, due_days="CONFIDENTIAL_DUE_DAYS", fulfil=services.reach_fulfil,
        ask_page="privacy:reach", staff_panel="privacy/limits/_reach_staff.html", staff_context=reach_context,
        patient_panel="privacy/limits/_reach.html", patient_context=reach_context,
        wish=_("Be reached another way"), wish_about=_("By letter only, at another address, not by phone."),
        deed=_("Do so from now on"),
    ))
