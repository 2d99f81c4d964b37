"""The letters of the requests' engine and of copies: what each must hold, and its words.

A refusal is ``privacy/denials``'s letter.

Other rooms register their own in the same way, in a ``letters.py`` of theirs or in such a file.
Dates and sums come in as people read them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from privacy.letters.registry import (
    Block,
    LetterKind,
    bullets,
    facts,
    heading,
    how_to_complain,
    paragraph,
    quote,
    register,
)

Fields = Mapping[str, str]
CLOSING, CLOSING_CHILD = "closing", "closing.child"
LABELS = {
    "request": gettext_lazy("What was asked for"),
    "received": gettext_lazy("The day it came"),
    "due": gettext_lazy("The day by which we answer"),
    "reason": gettext_lazy("The reason"),
    "until": gettext_lazy("The new day"),
    "lines": gettext_lazy("The fee, line by line"),
    "total": gettext_lazy("The fee in all"),
    "needed": gettext_lazy("What we need to know who asks"),
    "deleted": gettext_lazy("What was deleted"),
    "kept": gettext_lazy("What is kept"),
    "kept_until": gettext_lazy("The last day of the archive’s copy"),
    "backups_until": gettext_lazy("The last day of the backups"),
    "recipients": gettext_lazy("Who received what"),
    "beyond": gettext_lazy("What we cannot delete"),
    "pages": gettext_lazy("Pages"),
}


def _call_us() -> Block:
    clinic = {
        "officer": settings.CLINIC_OFFICER_NAME, "phone": settings.CLINIC_PHONE, "email": settings.CLINIC_OFFICER_EMAIL,
    }
    return paragraph(_("Questions? Call %(officer)s at %(phone)s or write to %(email)s.") % clinic)


def _listed(text: str) -> Block:
    """Each line of a field as an item of a list."""
    return bullets(*(line for line in text.splitlines() if line.strip()))


def _received(f: Fields) -> list[Block]:
    return [
        paragraph(_("We have your request. You do not need to do anything now.")),
        facts((_("You asked for"), f["request"]), (_("It came on"), f["received"]), (_("We answer by"), f["due"])),
        paragraph(f["more"] or _("To hear where it stands, call us and name the reference above.")),
        _call_us(),
    ]


def _extension(f: Fields) -> list[Block]:
    return [
        paragraph(_("We need more time for your request. This is why, and the day by which we are done.")),
        facts(
            (_("You asked for"), f["request"]), (_("It came on"), f["received"]), (_("We are done by"), f["until"]),
        ),
        heading(_("Why it takes longer")), paragraph(f["reason"]),
        paragraph(_("The law lets us do this once. We will not do it again for this request.")),
        _call_us(), *how_to_complain(),
    ]


def _closing(f: Fields) -> list[Block]:
    return _gone(_("You asked us to delete your record. It is done. This is our last letter to you about it."), f)


def _closing_child(f: Fields) -> list[Block]:
    said = _("You asked us to delete the record of the child you look after. It is done. This is our last letter to "
             "you about it. Your own account stays as it is, if you have one.")
    return _gone(said, f)


def _gone(said: str, f: Fields) -> list[Block]:
    blocks = [
        paragraph(said),
        heading(_("What was deleted")), _listed(f["deleted"]),
        heading(_("What is kept, and until when")), _listed(f["kept"]),
        facts((_("The archive’s sealed copy is kept until"), f["kept_until"]),
              (_("Backups with your data are gone after"), f["backups_until"])),
    ]
    if f["recipients"]:
        blocks += [heading(_("Who received something of it from us")), _listed(f["recipients"])]
    if f["beyond"]:
        blocks.append(paragraph(f["beyond"]))
    return [*blocks, _call_us(), *how_to_complain()]


def _fee_quote(f: Fields) -> list[Block]:
    return [
        paragraph(_("We can make what you asked for. It costs a fee. We do not begin before you agree to it.")),
        facts((_("You asked for"), f["request"]), (_("Pages"), f["pages"])),
        heading(_("What it costs")), _listed(f["lines"]), paragraph(_("In all: %(total)s") % {"total": f["total"]}),
        heading(_("What you can do")),
        bullets(
            _("Agree, and pay in the portal."),
            _("Agree, and send us a check for this sum. Write the reference above on it."),
            _("Ask for less, so that it costs less."), _("Say no. Nothing is made, and nothing is owed."),
            _("Get the same copy in the portal. That is free."),
        ),
        _call_us(),
    ]


def _identity(f: Fields) -> list[Block]:
    return [
        paragraph(_("We have a request in your name. Before we do anything, we must know that it is really you.")),
        facts((_("What was asked for"), f["request"]), (_("It came on"), f["received"])),
        heading(_("What we need: one of these")), _listed(f["needed"]),
        paragraph(_("If this was not you, tell us at once. We have given nothing to anybody.")),
        _call_us(),
    ]


def _cover(f: Fields) -> list[Block]:
    return [
        paragraph(_("Here is the copy of the record that was asked for. It is printed behind this letter.")),
        facts((_("Asked for on"), f["received"]), (_("Pages"), f["pages"]), (_("Asked for by"), f["asked_by"])),
        *([quote(f["words"])] if f["words"] else []),
        paragraph(
            _("This letter holds private health information. If it is not meant for you, call us and send it back.")
        ),
        _call_us(),
    ]


def register_letters() -> None:
    """Called once at start."""
    kinds = (
        ("received", gettext_lazy("We have your request"), ("request", "received", "due"), ("more",), _received),
        ("extension", gettext_lazy("Your request takes longer"), ("request", "received", "reason", "until"), (),
         _extension),
        (CLOSING, gettext_lazy("Your record was deleted"), ("deleted", "kept", "backups_until"),
         ("kept_until", "recipients", "beyond"), _closing),
        (CLOSING_CHILD, gettext_lazy("The child’s record was deleted"), ("deleted", "kept", "backups_until"),
         ("kept_until", "recipients", "beyond"), _closing_child),
        ("fee_quote", gettext_lazy("What your request costs"), ("request", "lines", "total"), ("pages",), _fee_quote),
        ("identity_asked", gettext_lazy("Please show us that it is you"), ("request", "received", "needed"), (),
         _identity),
        ("copy_cover", gettext_lazy("A copy of a health record"), ("received", "pages"), ("asked_by", "words"), _cover),
    )
    for kind, title, required, optional, body in kinds:
        register(LetterKind(kind, title, required, optional, body, LABELS))
