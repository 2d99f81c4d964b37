"""The letters that the engine itself writes: more time, who are you, an answer for somebody without an account.

With an account they are read in the portal, and a mail says that one waits; without, they go by post.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.context import Actor
from privacy.letters.models import Letter
from privacy.letters.registry import (
    Block,
    LetterKind,
    facts,
    heading,
    how_to_ask_for_review,
    how_to_complain,
    paragraph,
    register,
)
from privacy.letters.services import Recipient, letter_write
from privacy.requests.models import Channel, RequestKind, RightsRequest

LABELS = {
    "request": gettext_lazy("What was asked for"), "received": gettext_lazy("The day it came"),
    "answer": gettext_lazy("The answer"), "words": gettext_lazy("Why it could not be proven"),
}


def recipient_of(request: RightsRequest) -> Recipient | None:
    """Where the post for somebody without an account goes; None for somebody whose address is in the record."""
    told: Mapping[str, Any] = request.contact or {}
    if not told.get("name"):
        return None
    lines = tuple(line.strip() for line in str(told.get("address", "")).splitlines() if line.strip())
    return Recipient(str(told["name"]), lines)


def write(by: Actor, request: RightsRequest, kind: str, once: str, fields: Mapping[str, str]) -> Letter | None:
    """One letter about a request, once. Nobody who gave neither an account nor a name gets one."""
    to = recipient_of(request)
    if request.account_id is None and to is None and request.subject_id is None:
        return None
    return letter_write(
        by=by, kind=kind, subject_id=request.subject_id, account_id=request.account_id, request_id=request.pk,
        fields={"request": str(request.get_kind_display()), "received": _day(request.received_on), **fields},
        to=to, once_key=f"request:{request.pk}:{once}",
    )


def _day(day: Any) -> str:
    return date_format(day, "F j, Y")


def received(by: Actor, request: RightsRequest) -> None:
    """For somebody without an account: we have it, and by when it is answered."""
    if request.account_id is None and request.channel != Channel.CLINIC:
        write(by, request, "received", "received", {"due": _day(request.due_on)})


def extended(by: Actor, request: RightsRequest, reason: str) -> None:
    """Why it takes longer and until when: what the law wants in writing (RULES 1.3, 1.21, 1.32)."""
    write(by, request, "extension", "extended", {"reason": reason, "until": _day(request.due_on)})


def identity_asked(by: Actor, request: RightsRequest) -> None:
    """What we need to know who asked; in the portal nothing of it is done (RULES 1.48)."""
    needed = "\n".join((
        _("Call us, and we call you back at the number in your record."), _("Come by with a photo ID."),
        _("Sign in to the portal and ask there."), _("Send us a signed letter with a copy of a photo ID."),
    ))
    write(by, request, "identity_asked", f"identity:{request.steps.count()}", {"needed": needed})


def identity_failed(by: Actor, request: RightsRequest, words: str) -> None:
    """We could not make sure who asked, and do nothing (P37: a review is offered for this too)."""
    write(by, request, "identity_failed", f"unproven:{request.steps.count()}", {"words": words})


def answered(by: Actor, request: RightsRequest) -> None:
    """The answer on paper, for somebody who cannot read it in the portal."""
    if request.account_id is None:
        write(by, request, "answer", "answered", {"answer": request.answer})


def joined_answered(by: Actor, request: RightsRequest) -> None:
    """The request that this one was joined to is done. After a deletion nobody is left to write to."""
    if request.kind not in (RequestKind.DELETION, RequestKind.GUARDIAN_DELETION):
        write(by, request, "joined_answered", "joined", {})


def _identity_failed(f: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("We got a request in your name, and could not make sure that it was you who asked.")),
        facts((_("What was asked for"), f["request"]), (_("It came on"), f["received"])),
        paragraph(f["words"]), paragraph(_("We did nothing, and told nobody anything. You can ask again at any time.")),
        *how_to_ask_for_review(), *how_to_complain(),
    ]


def _joined(f: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("We had been asked for the same before, and answered both requests together.")),
        facts((_("You asked for"), f["request"]), (_("It came on"), f["received"])),
        paragraph(_("It is done now. Call us if something is still missing.")), *how_to_complain(),
    ]


def _answer(f: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("This is our answer to what you asked or told us.")),
        facts((_("About"), f["request"]), (_("It came on"), f["received"])), heading(_("Our answer")),
        paragraph(f["answer"]), *how_to_complain(),
    ]


def register_letters() -> None:
    """Called once at start."""
    register(
        LetterKind(
            "identity_failed", gettext_lazy("We could not make sure who asked"), ("request", "received", "words"), (),
            _identity_failed, LABELS,
        )
    )
    both = ("request", "received")
    register(LetterKind("joined_answered", gettext_lazy("Your request is done"), both, (), _joined, LABELS))
    needed = ("request", "received", "answer")
    register(LetterKind("answer", gettext_lazy("Our answer to you"), needed, (), _answer, LABELS))
