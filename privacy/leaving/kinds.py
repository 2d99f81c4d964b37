"""Leaving as a kind of request: done at once for who is signed in, by the officer for who wrote or called."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.permissions import Role
from privacy.leaving.services import leave
from privacy.requests.models import RequestKind
from privacy.requests.registry import KindRules, register

LEAVING = KindRules(
    RequestKind.LEAVING, due_days="LEAVING_DUE_DAYS", fulfil=leave, at_once=True, ask_page="privacy:leave",
    roles=frozenset({Role.PATIENT}), wish=_("Leave, and get no more mail"),
    wish_about=_("Your account closes for good. One last mail confirms it."),
    deed=_("Close the account for good"), sure=_("I know that the account cannot be opened again"),
    deed_about=_(
        "Open consults end and are paid back where nobody answered. One last mail goes out; after it no mail is ever "
        "sent to this address, and letters go by post."
    ),
)


def register_kinds() -> None:
    """Called once at start."""
    register(LEAVING)
