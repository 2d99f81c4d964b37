"""Words for the access log on patients' pages."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

WORDS: dict[str, str | Promise] = {
    "records.patient": _("your contact details"),
    "records.encounter": _("a consult"),
    "records.answers": _("your answers"),
    "records.photo": _("a photo"),
    "records.photos": _("your photos"),
    "records.thread": _("your messages"),
    "records.message": _("a message"),
    "records.assessment": _("the finding"),
    "records.plan": _("your plan"),
    "records.record": _("your whole record"),
    "privacy.request": _("a privacy request"),
    "privacy.copy": _("a copy of your record"),
}


@register.filter
def look_words(object_kind: str) -> str:
    """What was looked at, in plain words; a kind without words of its own is "your record"."""
    return str(WORDS.get(object_kind, _("your record")))


@register.filter
def initials(name: str) -> str:
    """Up to two first letters of a name: "Karin Lind" is "KL"."""
    parts = [part for part in name.split() if part]
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()
