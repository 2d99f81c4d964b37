"""The letter that tells somebody of a breach: the law's five parts (RULES 3.10), by first-class mail."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from privacy.incidents.notice_models import PARTS
from privacy.letters.registry import Block, LetterKind, heading, how_to_complain, paragraph, register

LABELS = {
    "happened": gettext_lazy("What happened, and when"),
    "data": gettext_lazy("What kinds of information were involved"),
    "protect": gettext_lazy("What you can do to protect yourself"),
    "doing": gettext_lazy("What we are doing"),
    "contact": gettext_lazy("How to reach us"),
}


def _body(fields: Mapping[str, str]) -> list[Block]:
    opening = paragraph(_("Something happened with information about you. We are sorry, and we tell you what we know."))
    parts = [block for part in PARTS for block in (heading(LABELS[part]), paragraph(fields[part]))]
    return [opening, *parts, *how_to_complain()]


def register_letters() -> None:
    """Called once at start."""
    register(
        LetterKind(
            "breach_notice", gettext_lazy("A notice about your information"), required=PARTS, body=_body, labels=LABELS
        )
    )
