"""The notice of privacy practices on paper, for whoever asks (P50, RULES 1.41): the text in force, as a letter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from html.parser import HTMLParser

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.agreements.models import PolicyKind
from portal.agreements.selectors import current
from portal.context import Actor
from portal.pages.selectors import policy_text
from privacy.letters.models import Letter
from privacy.letters.registry import Block, LetterKind, bullets, heading, paragraph, register, subheading
from privacy.letters.services import Recipient, letter_write
from privacy.requests.letters import recipient_of
from privacy.requests.models import RightsRequest
from privacy.requests.services import request_complete
from privacy.requests.state import RequestState

KIND = "printed_notice"


def notice_print(request: RightsRequest, by: Actor) -> None:
    """Put the notice into the print queue, to the address that was given or that is in the record."""
    told: Mapping[str, str] = request.particulars or {}
    to = recipient_of(request)
    if told.get("name") and told.get("address"):
        to = Recipient(told["name"], tuple(line.strip() for line in told["address"].splitlines() if line.strip()))
    policy = current(PolicyKind.NOTICE_OF_PRIVACY_PRACTICES)
    letter_write(
        by=by, kind=KIND, subject_id=request.subject_id, account_id=request.account_id, request_id=request.pk,
        fields={"version": policy.version}, paper=True, to=to, once_key=f"request:{request.pk}:notice",
    )


def notice_posted(letter: Letter) -> None:
    """It went out by post: the request is done. In the posting's transaction."""
    if letter.kind != KIND or letter.request_id is None:
        return
    request = RightsRequest.objects.select_for_update().filter(pk=letter.request_id).first()
    if request is not None and request.state == RequestState.CARRYING_OUT:
        request_complete(request)


class _Blocks(HTMLParser):
    """Reads the fragment of HTML that a policy is, into the blocks of a letter."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._text = ""
        self._items: list[str] = []

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        text = " ".join(self._text.split())
        if tag in ("h1", "h2", "h3"):
            self._add(subheading(text) if tag == "h3" else heading(text), text)
        elif tag == "p":
            self._add(paragraph(text), text)
        elif tag == "li":
            self._items, self._text = [*self._items, text], ""
        elif tag in ("ul", "ol"):
            self._add(bullets(*self._items), "list")
            self._items = []

    def _add(self, block: Block, text: str) -> None:
        if text:
            self.blocks.append(block)
        self._text = ""


def _body(fields: Mapping[str, str]) -> list[Block]:
    reader = _Blocks()
    reader.feed(policy_text(PolicyKind.NOTICE_OF_PRIVACY_PRACTICES, fields["version"]))
    since = date_format(dt.date.fromisoformat(fields["version"]), "F j, Y")
    first = _("Here is our notice on paper, as you asked. It is in force since %(day)s.") % {"day": since}
    return [paragraph(first), *reader.blocks]


def register_letters() -> None:
    """Called once at start."""
    register(
        LetterKind(
            KIND, gettext_lazy("Notice of privacy practices"), ("version",), (), _body,
            {"version": gettext_lazy("In force since")},
        )
    )
