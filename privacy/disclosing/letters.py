"""The letters about disclosures: a legal process, and the accounting of all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from privacy.letters.registry import Block, LetterKind, facts, heading, how_to_complain, paragraph, register, table
from records.vault.given import GivenView

Fields = Mapping[str, str]
LABELS = {
    "authority": gettext_lazy("Court or authority"),
    "kind": gettext_lazy("What kind of paper"),
    "given": gettext_lazy("What was given"),
    "received": gettext_lazy("The day the paper came"),
    "day": gettext_lazy("The day it was given"),
    "case_number": gettext_lazy("Case number"),
    "since": gettext_lazy("First day"),
    "until": gettext_lazy("Last day"),
    "counted": gettext_lazy("Entries that the law counts"),
    "others": gettext_lazy("Other entries"),
    "acquirer": gettext_lazy("New owner"),
    "address": gettext_lazy("Address"),
}


def lines_text(views: list[GivenView]) -> str:
    """Entries as a letter's field keeps them."""
    return json.dumps(
        [
            {
                "on": date_format(view.on, "F j, Y"), "last_on": date_format(view.last_on, "F j, Y"),
                "times": view.times,
                "recipient": view.recipient, "address": view.recipient_address, "what": view.what,
                "purpose": view.purpose_words, "basis": view.basis_words, "note": view.note,
            }
            for view in views
        ],
        ensure_ascii=False,
    )


def _process(f: Fields) -> list[Block]:
    return [
        paragraph(
            _(
                "The law made us give something of your health record to somebody outside the clinic. "
                "We promised to tell you when that happens. This letter does so."
            )
        ),
        facts(
            (_("Who asked for it"), f["authority"]), (_("What kind of paper"), f["kind"]),
            (_("Case number"), f["case_number"]), (_("The day the paper came"), f["received"]),
            (_("What we gave"), f["given"]), (_("The day we gave it"), f["day"]),
        ),
        paragraph(_("You can ask a lawyer what you can do about it. Every such entry stands on the privacy page of the "
                    "portal, and you can ask us for the list on paper.")),
        *how_to_complain(),
    ]


def _accounting(f: Fields) -> list[Block]:
    counted, others = json.loads(f["counted"]), json.loads(f["others"])
    window = {"since": f["since"], "until": f["until"]}
    blocks = [
        paragraph(
            _("You asked to whom we gave something of your health record from %(since)s to %(until)s.") % window
        ),
    ]
    if not counted and not others:
        return [*blocks, paragraph(_("Our register shows nothing in this time.")), *how_to_complain()]
    blocks += [heading(_("What the law makes us list"))]
    blocks += _entries(counted) or [paragraph(_("Nothing in this time."))]
    if others:
        blocks += [
            heading(_("What we list besides")),
            paragraph(_("The law does not ask for these, such as what you allowed. We tell you all the same.")),
            *_entries(others),
        ]
    return [*blocks, *how_to_complain()]


def _assignment(f: Fields) -> list[Block]:
    return [
        paragraph(_("Our clinic gets a new owner. We promised to tell you when that happens.")),
        facts((_("New owner"), f["acquirer"]), (_("Address"), f["address"]), (_("From"), f["day"])),
        paragraph(
            _(
                "The new owner has promised us in writing to keep the promises of our privacy policy. Each record "
                "that goes is written down, and you can ask us for that list. You can also get a copy of your "
                "record, or ask us to delete it, before that day and after it."
            )
        ),
        *how_to_complain(),
    ]


def _entries(entries: list[dict[str, str]]) -> list[Block]:
    """What the law wants of each: day, recipient and address, what, why; repeats as one (RULES 1.30, 1.31)."""
    if not entries:
        return []
    rows = [
        (_lined(entry["on"], _often(entry)), _lined(entry["recipient"], entry["address"]), entry["what"],
         _lined(entry["purpose"], entry["basis"], entry["note"]))
        for entry in entries
    ]
    return [table((_("Day"), _("Who received it"), _("What"), _("Why, and on what basis")), rows)]


def _lined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _often(entry: dict[str, str]) -> str:
    """Of repeats the first is told in full, then how many there were and the last day (RULES 1.31)."""
    times = int(entry["times"])
    if times < 2:
        return ""
    return ngettext("%(n)d time, the last on %(day)s", "%(n)d times, the last on %(day)s", times) % {
        "n": times, "day": entry["last_on"],
    }


def register_letters() -> None:
    """Called once at start."""
    register(
        LetterKind(
            "legal_process", gettext_lazy("We had to give something of your record"),
            ("authority", "kind", "given", "received", "day"), ("case_number",), _process, LABELS,
        )
    )
    register(
        LetterKind(
            "accounting", gettext_lazy("Who received something of your record"),
            ("since", "until", "counted", "others"), (), _accounting, LABELS,
        )
    )
    register(
        LetterKind(
            "assignment", gettext_lazy("Our clinic gets a new owner"), ("acquirer", "address", "day"), (), _assignment,
            LABELS,
        )
    )
