"""The letter that tells somebody of a breach: the law's five parts (RULES 3.10), by first-class mail."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.dates import clinic_zone
from privacy.incidents.models import Incident
from privacy.incidents.notice_models import PARTS
from privacy.letters.registry import Block, LetterKind, heading, how_to_complain, paragraph, register

LABELS = {
    "happened": gettext_lazy("What happened, and when"),
    "data": gettext_lazy("What kinds of information were involved"),
    "protect": gettext_lazy("What you can do to protect yourself"),
    "doing": gettext_lazy("What we are doing"),
    "contact": gettext_lazy("How to reach us"),
}


def told(incident: Incident, parts: Mapping[str, str]) -> dict[str, str]:
    """The five parts as they go out, with the days and the ways to reach us, whatever was written (RULES 3.10)."""
    learned = incident.discovered_at.astimezone(clinic_zone()).date()
    days = [(_("It happened on %(day)s."), incident.happened_on), (_("We learned of it on %(day)s."), learned)]
    dated = [(words, date_format(day, "F j, Y")) for words, day in days if day]
    ways = [
        (_("Phone, free of charge: %(way)s"), settings.CLINIC_TOLL_FREE), (_("Phone: %(way)s"), settings.CLINIC_PHONE),
        (_("Mail: %(way)s"), settings.CLINIC_OFFICER_EMAIL),
    ]
    post = ", ".join([settings.CLINIC_LEGAL_NAME, *settings.CLINIC_ADDRESS])
    happened, contact = [parts["happened"]], [parts["contact"]]
    happened += [words % {"day": day} for words, day in dated if day not in parts["happened"]]
    contact += [words % {"way": way} for words, way in ways if way and way not in parts["contact"]]
    if not all(line in parts["contact"] for line in settings.CLINIC_ADDRESS):
        contact.append(_("Post: %(way)s") % {"way": post})
    return {**parts, "happened": "\n".join(happened), "contact": "\n".join(contact)}


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
