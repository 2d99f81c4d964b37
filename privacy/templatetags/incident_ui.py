"""The public notice of a breach on the home page (RULES 3.7)."""

from __future__ import annotations

from typing import Any

from django import template

from privacy.incidents.selectors import notices_now

register = template.Library()


@register.inclusion_tag("privacy/incidents/_banner.html")
def public_notices() -> dict[str, Any]:
    """What stands today, with its last day."""
    return {"standing": notices_now()}
