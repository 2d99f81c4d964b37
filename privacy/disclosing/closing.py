"""Who received what, as the last letter after a deletion tells it: read before the rows go (P41)."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.vault.given import GivenView, given_grouped


class GivenLine(TypedDict):
    """One recipient as the mail carries it, sealed until it is sent."""

    who: str
    what: str
    day: str
    times: int


def given_lines(subject_id: UUID) -> list[GivenLine]:
    """All of them, repeats together, the newest first; what an authority wants left out is left out."""
    return [_line(view) for view in given_grouped(subject_id)]


def _line(view: GivenView) -> GivenLine:
    return GivenLine(
        who=", ".join(part for part in (view.recipient, *view.recipient_address.splitlines()) if part),
        what=" ".join(view.what.split()), day=date_format(view.last_on, "F j, Y"), times=view.times,
    )


def given_text(lines: list[GivenLine]) -> str:
    """The same for the letter on paper: a line each."""
    return "\n".join(
        _("%(who)s: %(what)s (%(when)s)") % {
            "who": line["who"], "what": line["what"],
            "when": line["day"] if line["times"] < 2 else ngettext(
                "%(n)d time, the last on %(day)s", "%(n)d times, the last on %(day)s", line["times"]
            ) % {"n": line["times"], "day": line["day"]},
        }
        for line in lines
    )
