"""Words of the record's pages: codes of its sections, and what a fold holds."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.people.models import Gender

register = template.Library()

# Codes by what they are; a code that is not here stays as it is.
WORDS: Mapping[str, Mapping[str, str | Promise]] = {
    "severity": {"mild": _("Mild"), "moderate": _("Moderate"), "severe": _("Severe"), "unknown": _("Not known how bad")},
    "medicine": {"prescribed": _("Prescribed"), "over_the_counter": _("Bought without a prescription")},
    "use": {"taking": _("In use"), "stopped": _("Stopped")},
    "condition": {"active": _("Now"), "past": _("Over")},
    "number": {"medical_id": _("Medical ID"), "drivers_license": _("Driver’s license")},
    "gender": {value: label for value, label in Gender.choices if value != "unknown"},
}


@register.filter
def words(code: str, kind: str) -> str:
    """What people read in place of a stored code: ``{{ allergy.severity|words:"severity" }}``."""
    return str(WORDS[kind].get(code, code))
