"""Letters about corrections: it was made (to the patient), and a record you hold was corrected (to others)."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from privacy.letters.registry import Block, LetterKind, bullets, heading, paragraph, quote, register


def _made(fields: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("You asked us to correct your record. We did.")),
        heading(_("Which part it is about")), paragraph(fields["part"]),
        heading(_("What you asked for")), quote(fields["asked"]),
        heading(_("What now stands in your record")), quote(fields["correction"]),
        paragraph(_("It stands right beside the part it is about, and goes with it wherever it goes. What was written "
                    "before stays as it was.")),
        heading(_("Who should know")),
        paragraph(_("Tell us whom we should tell, and whether you agree that we do. On the page of your request in the "
                    "portal you find everybody to whom we gave your record, and you can name others. You can also "
                    "write to us or call us.")),
    ]


def _told(fields: Mapping[str, str]) -> list[Block]:
    return [
        paragraph(_("You hold, or may rely on, information from the record of our patient %(patient)s. The record has "
                    "been corrected at the patient’s request, and the patient wants you to know.") % fields),
        heading(_("What was corrected")), bullets(*fields["part"].splitlines()),
        heading(_("What now stands there")), quote(fields["correction"]),
        paragraph(_("Please put this with what you hold, and pass it on to whoever relies on it.")),
    ]


def register_letters() -> None:
    """Called once at start."""
    register(LetterKind(
        "amendment.made", gettext_lazy("We corrected your record"), required=("asked", "part", "correction"),
        body=_made,
    ))
    register(LetterKind(
        "amendment.told", gettext_lazy("A patient’s record was corrected"),
        required=("patient", "part", "correction"), body=_told,
    ))
