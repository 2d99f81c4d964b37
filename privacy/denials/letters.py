"""The letters of a "no", of what a review found, and of the clinic's answer to a statement (RULES 1.16, 1.24)."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from privacy.letters.registry import (
    HHS_ADDRESS,
    HHS_COMPLAINTS,
    Block,
    LetterKind,
    Text,
    bullets,
    facts,
    heading,
    paragraph,
    quote,
    register,
)
from privacy.requests.models import RequestKind

# What the law wants in every letter that says no; a letter without one of them is not written.
REQUIRED = ("kind", "basis", "review", "complaint", "hhs")
OPTIONAL = ("received", "explain", "asked", "withheld", "where_else", "judge")
STATEMENT = ("statement", "without_statement")
LABELS: dict[str, Text] = {
    "basis": gettext_lazy("Why we say no"), "review": gettext_lazy("The right to a review"),
    "complaint": gettext_lazy("How to complain to us"), "hhs": gettext_lazy("How to complain to the Secretary of HHS"),
    "statement": gettext_lazy("The right to disagree in writing"), "explain": gettext_lazy("In your own words"),
    "without_statement": gettext_lazy("What happens without a statement"),
}


def kind_name(kind: str) -> str:
    """The kind of letter that refuses a kind of request."""
    return "denied.amendment" if kind == RequestKind.AMENDMENT else "denied.request"


def fixed_fields(kind: str) -> dict[str, str]:
    """What every such letter says, out of the clinic's settings: blank where a setting is blank."""
    clinic = {
        "officer": settings.CLINIC_OFFICER_NAME, "phone": settings.CLINIC_PHONE,
        "email": settings.CLINIC_OFFICER_EMAIL, "url": HHS_COMPLAINTS, "address": HHS_ADDRESS,
    }
    told = bool(clinic["officer"] and clinic["phone"])
    found = {
        "kind": str(RequestKind(kind).label),
        "review": _(
            "Another licensed person, who had no part in this answer, will look at it again, whatever the reason "
            "for our no. We do what that person decides. Ask for it on the privacy page of the portal, in a letter to "
            "us, in a mail to %(email)s, or call %(phone)s."
        ) % clinic if clinic["phone"] else "",
        "complaint": (
            _("To us: %(officer)s, privacy officer, phone %(phone)s, mail %(email)s.") % clinic if told else ""
        ),
        "hhs": _(
            "To the Secretary of the U.S. Department of Health and Human Services, Office for Civil Rights: %(url)s, "
            "or by post to %(address)s. Do this within 180 days."
        ) % clinic,
    }
    if kind == RequestKind.AMENDMENT:
        found["statement"] = _(
            "You can write down why you disagree: on the page of your request in the portal, in a letter to us, or in "
            "a mail to %(email)s. It can be up to %(most)s characters long, with spaces. We keep your text with this "
            "part of your record, and show it wherever the part is shown."
        ) % {**clinic, "most": number_format(settings.STATEMENT_MAX_SIGNS, force_grouping=True)}
        found["without_statement"] = _(
            "If you write nothing, your request and this letter stay with this part of your record all the same, "
            "and go with it whenever we give it to somebody."
        )
    return found


def statement_fields(fixed: Mapping[str, str]) -> dict[str, str]:
    """What such a letter says of the right to disagree in writing; nothing where the law gives none (RULES 1.24)."""
    return {name: fixed[name] for name in STATEMENT if name in fixed}


def _denied(fields: Mapping[str, str]) -> list[Block]:
    blocks = [paragraph(_("You asked us for this: %(kind)s. We cannot do all of it.") % fields)
              if fields["withheld"] else paragraph(_("You asked us for this: %(kind)s. We cannot do it.") % fields)]
    if fields["received"]:
        blocks.append(facts((_("It came on"), fields["received"])))
    if fields["asked"]:
        blocks += [heading(_("What you asked for")), quote(fields["asked"])]
    blocks += [heading(_("Why")), paragraph(fields["basis"])]
    if fields["explain"]:
        blocks.append(paragraph(fields["explain"]))
    if fields["withheld"]:
        blocks.append(facts((_("What we leave out"), fields["withheld"])))
        blocks.append(paragraph(_("You get everything else.")))
    if fields["judge"]:
        blocks.append(facts((_("Judged by"), fields["judge"])))
    if fields["where_else"]:
        blocks.append(facts((_("Where else you can ask"), fields["where_else"])))
    blocks += [heading(_("You can ask for a review")), paragraph(fields["review"])]
    if fields.get("statement"):
        blocks += _disagree(fields)
    blocks += [
        heading(_("How to complain")), bullets(fields["complaint"], fields["hhs"]),
        paragraph(_("We will not treat you any worse for it.")),
    ]
    return blocks


def _disagree(fields: Mapping[str, str]) -> list[Block]:
    return [
        heading(_("You can disagree in writing")), paragraph(fields["statement"]),
        paragraph(fields["without_statement"]),
    ]


def _reviewed(fields: Mapping[str, str]) -> list[Block]:
    blocks = [
        paragraph(
            _("You asked that somebody else look at our answer. %(reviewer)s did, who had no part in it.") % fields
        ),
        heading(_("What came of it")), paragraph(fields["found"]), quote(fields["reason"]),
    ]
    if fields["next"]:
        blocks.append(paragraph(fields["next"]))
    if fields["statement"]:
        blocks += _disagree(fields)
    return [
        *blocks, heading(_("How to complain")), bullets(fields["complaint"], fields["hhs"]),
        paragraph(_("We will not treat you any worse for it.")),
    ]


def _rebutted(fields: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("You wrote that you disagree with us about your record. Your text stays with that part of it.")),
        heading(_("Your text")), quote(fields["statement"]),
        heading(_("What we wrote to that")), quote(fields["rebuttal"]),
        paragraph(_("Both go with this part of your record whenever it is shown or given to somebody.")),
    ]


def register_letters() -> None:
    """Called once at start."""
    register(LetterKind(
        "denied.request", gettext_lazy("We cannot do what you asked for"), required=REQUIRED, optional=OPTIONAL,
        body=_denied, labels=LABELS,
    ))
    register(LetterKind(
        "denied.amendment", gettext_lazy("We did not correct your record"),
        required=(*REQUIRED, *STATEMENT), optional=OPTIONAL, body=_denied, labels=LABELS,
    ))
    register(LetterKind(
        "denied.reviewed", gettext_lazy("Somebody else looked at our answer"),
        required=("reviewer", "found", "reason", "complaint", "hhs"), optional=("next", *STATEMENT),
        body=_reviewed, labels=LABELS,
    ))
    register(LetterKind(
        "amendment.rebuttal", gettext_lazy("Our answer to your statement"), required=("statement", "rebuttal"),
        body=_rebutted,
    ))
