"""Where the paper of a letter is, as a plain table. Whatever is not listed is refused."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.errors import DomainError


class PrintState(models.TextChoices):
    """Where the paper is. ``none``: the portal is enough."""

    NONE = "none", _("Not on paper")
    TO_PRINT = "to_print", _("Waits to be printed")
    PRINTED = "printed", _("Printed, not posted yet")
    POSTED = "posted", _("Posted")
    RETURNED = "returned", _("Came back as undeliverable")
    SETTLED = "settled", _("Came back, and was seen to")


class PaperAction(models.TextChoices):
    """What moves paper."""

    TO_PAPER = "to_paper", _("The portal is not enough")
    PRINT = "print", _("Print it")
    POST = "post", _("It was given to the post")
    RETURN = "return", _("The post brought it back")
    READDRESS = "readdress", _("Give it another address")
    SETTLE = "settle", _("The person was told in another way")


S, A = PrintState, PaperAction
TRANSITIONS: dict[tuple[PrintState, PaperAction], PrintState] = {
    (S.NONE, A.TO_PAPER): S.TO_PRINT,
    (S.TO_PRINT, A.PRINT): S.PRINTED,
    (S.TO_PRINT, A.POST): S.POSTED,
    (S.PRINTED, A.POST): S.POSTED,
    (S.POSTED, A.RETURN): S.RETURNED,
    (S.TO_PRINT, A.READDRESS): S.TO_PRINT,
    (S.PRINTED, A.READDRESS): S.TO_PRINT,
    (S.RETURNED, A.READDRESS): S.TO_PRINT,
    (S.RETURNED, A.SETTLE): S.SETTLED,
}
# Somebody at the desk has to do something about these.
AT_THE_DESK = frozenset({S.TO_PRINT, S.PRINTED, S.RETURNED})


def after(state: PrintState | str, action: PaperAction) -> PrintState:
    """The state after a step. Raises ``DomainError`` ``letter_state`` off the table."""
    found = TRANSITIONS.get((PrintState(state), action))
    if found is None:
        raise DomainError(
            "letter_state", gettext("This letter has moved on. Load the page again to see where it stands.")
        )
    return found
