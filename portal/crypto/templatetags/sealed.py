"""``{{ patient|opened:"name" }}``: the value, or plain words when it cannot be read."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from portal.crypto.tokens import DecryptionError

register = template.Library()
CANNOT_BE_READ = _("(cannot be read)")


@register.filter
def opened(row: Model, name: str) -> Any:
    """One bad value must not take the page down, and must never look like an empty one."""
    try:
        return getattr(row, name)
    except DecryptionError:
        return CANNOT_BE_READ
