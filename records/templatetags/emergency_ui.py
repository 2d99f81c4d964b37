"""The banner of a record that is open in an emergency, on every page of the clinic's admin."""

from __future__ import annotations

import math
from typing import Any

from django import template
from django.utils import timezone

from portal.permissions import Permission, allows
from records.emergency.models import Emergency
from records.emergency.selectors import running_of

register = template.Library()


@register.simple_tag(takes_context=True)
def open_emergencies(context: dict[str, Any]) -> list[Emergency]:
    """What the signed-in clinician holds open; asks nothing of the database for anybody else."""
    actor = getattr(context.get("request"), "actor", None)
    if actor is None or not allows(actor, Permission.BREAK_GLASS):
        return []
    return list(running_of(actor.account_id))


@register.filter
def minutes_left(emergency: Emergency) -> int:
    """Whole minutes until it closes, rounded up."""
    return max(0, math.ceil((emergency.ends_at - timezone.now()).total_seconds() / 60))
