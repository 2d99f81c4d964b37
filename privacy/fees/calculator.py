"""What a copy may cost: pure arithmetic over the settings of ``portal/rules.py``. Whole cents.

The lower of two sums is charged (RULES 4.7, 1.12): what copying really costs by HIPAA (labour for
copying, supplies, postage, and nothing else; 1.10), and what the state allows. The portal is free,
and so are amendments, restrictions and deletions, for which nothing can be quoted at all (P36).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.dates import years_later
from portal.errors import DomainError


class Method(StrEnum):
    """How the cost by HIPAA is found (RULES 1.11)."""

    ACTUAL = "actual"
    FLAT = "flat"


class Form(StrEnum):
    """In which form a copy leaves."""

    PORTAL = "portal"
    ELECTRONIC = "electronic"
    PAPER = "paper"


# What a fee may be asked for at all; everything else that a patient can ask for is free (P36).
CHARGEABLE = frozenset({"access", "access_paper", "access_third_party", "accounting"})
# Their pages are counted in the copy itself, never named by hand.
COUNTED = CHARGEABLE - {"accounting"}


@dataclass(frozen=True)
class FeeLine:
    """One line: a code for programs, words for people, and cents (below zero where it takes off)."""

    code: str
    label: str
    cents: int


@dataclass(frozen=True)
class Quote:
    """What is asked, line by line; the lines add up to ``cents``."""

    lines: tuple[FeeLine, ...]
    cents: int

    @property
    def free(self) -> bool:
        return self.cents == 0


FREE = Quote((), 0)


def quote(
    *, method: Method | str = "", form: Form | str, pages: int = 0, minutes: int = 0, postage_cents: int = 0,
    state: str = "MN", kind: str = "access", appeal: bool = False, current_care: bool = False, free: bool = False,
) -> Quote:
    """The fee for one copy of ``pages`` printed pages that took ``minutes`` of copying.

    ``method`` is the clinic's setting unless given; ``postage_cents`` counts for paper only;
    ``appeal`` is a copy for an appeal against a denial of disability benefits; ``current_care`` one
    with which patients go over the care they get now, for which Minnesota allows nothing; ``free`` the
    first accounting in twelve months. Raises ``DomainError``: ``fee_never`` for a kind that is always
    free, ``fee_flat_paper`` for a flat fee on paper; ``ValueError`` for a negative number.
    """
    if kind not in CHARGEABLE:
        raise DomainError("fee_never", _("No fee may be asked for this."))
    if min(pages, minutes, postage_cents) < 0:
        raise ValueError("pages, minutes and postage are never below zero")
    form, method = Form(form), Method(method or settings.FEE_METHOD)
    if form is Form.PORTAL or free:
        return FREE
    lines = _flat(form) if method is Method.FLAT else _actual(form, pages, minutes, postage_cents)
    cost = sum(line.cents for line in lines)
    for_self = current_care and kind != "access_third_party"
    limit = None if kind == "accounting" else state_limit(state, form, pages, appeal=appeal, current_care=for_self)
    if limit is not None and limit < cost:
        lines = (*lines, FeeLine("state_limit", _("State law allows less"), limit - cost))
        cost = limit
    return Quote(tuple(line for line in lines if line.cents), cost)


def _flat(form: Form) -> tuple[FeeLine, ...]:
    if form is not Form.ELECTRONIC:
        raise DomainError("fee_flat_paper", _("The flat fee is for electronic copies only, never for paper."))
    return (FeeLine("flat", _("Electronic copy, everything included"), settings.FEE_FLAT_CENTS),)


def _actual(form: Form, pages: int, minutes: int, postage_cents: int) -> tuple[FeeLine, ...]:
    """Labour for copying, supplies, postage; no fee by the page for what is electronic (RULES 1.13)."""
    labour = FeeLine(
        "labour",
        ngettext("Copying, %(minutes)d minute", "Copying, %(minutes)d minutes", minutes) % {"minutes": minutes},
        math.floor(minutes * settings.FEE_LABOUR_CENTS_PER_HOUR / 60),
    )
    if form is Form.ELECTRONIC:
        return (labour,)
    supplies = FeeLine(
        "supplies",
        ngettext("Paper and envelope, %(pages)d page", "Paper and envelope, %(pages)d pages", pages) % {"pages": pages},
        pages * settings.FEE_SUPPLIES_PAGE_CENTS + settings.FEE_SUPPLIES_ENVELOPE_CENTS,
    )
    return labour, supplies, FeeLine("postage", _("Postage"), postage_cents)


def postage_cents(pages: int) -> int:
    """First-class postage of ``pages`` printed on both sides: a first step and equal ones after it."""
    sheets = math.ceil(max(pages, 1) / 2)
    steps = math.ceil(sheets / settings.FEE_POSTAGE_SHEETS_PER_STEP)
    return int(settings.FEE_POSTAGE_FIRST_CENTS + (steps - 1) * settings.FEE_POSTAGE_STEP_CENTS)


def state_limit(
    state: str, form: Form, pages: int, *, appeal: bool = False, current_care: bool = False
) -> int | None:
    """The most that the state allows, in cents; None where we know of no limit. ``pages`` 0: nothing was found."""
    if state != "MN":
        return None
    return minnesota_cents(form, pages, appeal=appeal, current_care=current_care)


def minnesota_cents(
    form: Form, pages: int, *, appeal: bool = False, xrays: bool = False, current_care: bool = False
) -> int:
    """Minnesota's fee (RULES 4.7). Paper vectors in dollars: 0 is 10, 10 is 20, 25 is 30, 26 is 36, 41 and
    100 are 50, 101 is 50.20, 150 is 60, 2351 is 500."""
    if form is Form.PORTAL or current_care:
        return 0
    if appeal:
        return int(settings.FEE_MN_APPEAL_CENTS)
    if xrays:
        return int(settings.FEE_MN_XRAY_CENTS)
    if form is Form.ELECTRONIC:
        return int(settings.FEE_MN_ELECTRONIC_CENTS)
    if pages == 0:
        return int(settings.FEE_MN_NONE_CENTS)
    by_page = settings.FEE_MN_RETRIEVAL_CENTS + pages * settings.FEE_MN_PAGE_CENTS
    if pages <= settings.FEE_MN_FEW_PAGES:
        return int(min(by_page, settings.FEE_MN_FEW_CENTS))
    if pages <= settings.FEE_MN_MANY_PAGES:
        return int(min(by_page, settings.FEE_MN_MANY_CENTS))
    over = (pages - settings.FEE_MN_MANY_PAGES) * settings.FEE_MN_OVER_CENTS
    return int(min(settings.FEE_MN_MANY_CENTS + over, settings.FEE_MN_MAX_CENTS))


def accounting_is_free(on: dt.date, former: Iterable[dt.date]) -> bool:
    """True when fewer accountings than are free were given in the twelve months before ``on`` (RULES 1.33).

    ``former`` are the days of earlier ones. One given on 1 December 2026 makes the next one free
    from 1 December 2027 on.
    """
    given = sum(day <= on < years_later(day, 1) for day in former)
    return given < max(1, int(settings.ACCOUNTING_FREE_PER_YEAR))
