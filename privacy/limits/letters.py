"""Letters: a limit was agreed to, and other ways to be reached hold from now on."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from privacy.letters.registry import Block, LetterKind, bullets, facts, paragraph, register


def _agreed(fields: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("You asked us not to share something. We agree, and keep to it.")),
        facts(
            (_("What we do not share"), fields["what"]), (_("With whom"), fields["whom"]),
            (_("Why we are bound"), fields["basis"]),
        ),
        paragraph(_("In an emergency we may have to share it so that you get care. We then ask whoever gets it not to "
                    "use it for anything else, and write it down.")),
        paragraph(_("You can end this at any time: on the page of your request in the portal, by letter or by phone.")),
    ]


def _granted(fields: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("You asked us to reach you in another way. We do so from now on.")),
        bullets(*fields["ways"].splitlines()),
        paragraph(_("You can change this at any time on the privacy page of the portal, or by letter.")),
    ]


def _waits(fields: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("Something new waits for you in the portal. You asked for letters, so we sent no email about it.")),
        paragraph(_("Sign in at %(site)s to see it, or call us at %(phone)s.") % fields),
    ]


def register_letters() -> None:
    """Called once at start."""
    register(LetterKind(
        "limit.agreed", gettext_lazy("We do not share what you named"), required=("what", "whom", "basis"),
        body=_agreed,
    ))
    register(LetterKind(
        "reach.waits", gettext_lazy("Something waits for you"), required=("site", "phone"), body=_waits,
    ))
    register(LetterKind(
        "reach.granted", gettext_lazy("How we reach you from now on"), required=("ways",), body=_granted,
    ))
