"""What a copy may cost: the law's own vectors, and what is always free (P36, RULES 1.10-1.13, 1.33, 4.7)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal.checks import bounds_hold
from portal.errors import DomainError
from privacy.fees.calculator import Form, Method, accounting_is_free, minnesota_cents, postage_cents, quote
from privacy.fees.state import FeeAction, FeeState, after
from privacy.letters.state import PaperAction, PrintState
from privacy.letters.state import after as paper_after
from privacy.requests.models import RequestKind

D = dt.date


def cents_of(**given: Any) -> int:
    made = quote(**{"form": Form.PAPER, **given})
    assert sum(line.cents for line in made.lines) == made.cents, "the lines add up"
    return made.cents


@pytest.mark.promise("P36")
@pytest.mark.parametrize(
    ("pages", "dollars"),
    [(0, 10), (1, 11), (10, 20), (20, 30), (25, 30), (26, 36), (40, 50), (41, 50), (100, 50), (101, 50.20), (150, 60),
     (2350, 500), (2351, 500), (100_000, 500)],
)
def test_minnesotas_fee_for_paper_is_exactly_the_laws(pages: int, dollars: float) -> None:
    assert minnesota_cents(Form.PAPER, pages) == round(dollars * 100)


@pytest.mark.promise("P36")
@pytest.mark.parametrize(
    ("given", "cents"),
    [
        pytest.param({"form": Form.PORTAL, "pages": 500, "minutes": 60}, 0, id="the portal is free"),
        pytest.param({"form": Form.PORTAL, "method": "flat"}, 0, id="the portal is free with a flat fee too"),
        pytest.param({"pages": 12, "minutes": 5, "postage_cents": 190}, 200 + 112 + 190, id="what it really costs"),
        pytest.param({"pages": 12, "minutes": 600}, 2200, id="the state's sum, where copying costs more"),
        pytest.param({"pages": 0, "minutes": 600}, 1000, id="nothing found"),
        pytest.param({"pages": 40, "minutes": 600, "appeal": True}, 1000, id="an appeal about disability"),
        pytest.param({"form": Form.ELECTRONIC, "minutes": 600}, 2000, id="electronic, the state's most"),
        pytest.param({"form": Form.ELECTRONIC, "minutes": 10, "pages": 9000}, 400, id="electronic, never by the page"),
        pytest.param({"form": Form.ELECTRONIC, "method": "flat", "minutes": 999}, 650, id="flat, everything included"),
        pytest.param({"pages": 12, "minutes": 600, "state": "WI"}, 24_112, id="a state whose limit nobody knows"),
        pytest.param({"pages": 12, "minutes": 600, "free": True, "kind": "accounting"}, 0, id="first accounting"),
        pytest.param({"pages": 12, "minutes": 600, "kind": "accounting"}, 24_112, id="second accounting"),
        pytest.param({"pages": 0, "minutes": 0, "postage_cents": 0, "form": Form.ELECTRONIC}, 0, id="no work, no fee"),
    ],
)
def test_the_lower_of_cost_and_state_is_asked(given: dict[str, Any], cents: int) -> None:
    assert cents_of(**given) == cents


def test_only_the_labour_of_copying_supplies_and_postage_can_be_charged() -> None:
    made = quote(form=Form.PAPER, pages=3, minutes=4, postage_cents=163)
    assert [line.code for line in made.lines] == ["labour", "supplies", "postage"]
    capped = quote(form=Form.PAPER, pages=3, minutes=400, postage_cents=163)
    assert [line.code for line in capped.lines][-1] == "state_limit"
    assert capped.lines[-1].cents < 0


@pytest.mark.promise("P36")
@pytest.mark.parametrize(
    "kind", [kind.value for kind in RequestKind if kind.value not in {"access", "access_paper", "access_third_party",
                                                                        "accounting"}]
)
def test_everything_else_can_never_cost_anything(kind: str) -> None:
    with pytest.raises(DomainError, match="fee_never"):
        quote(form=Form.PAPER, kind=kind)


def test_the_flat_fee_is_refused_for_paper() -> None:
    with pytest.raises(DomainError, match="fee_flat_paper"):
        quote(form=Form.PAPER, method=Method.FLAT, pages=3)


@pytest.mark.parametrize("name", ["pages", "minutes", "postage_cents"])
def test_nothing_is_below_zero(name: str) -> None:
    with pytest.raises(ValueError, match="below zero"):
        quote(form=Form.PAPER, **{name: -1})


@pytest.mark.parametrize(("pages", "steps"), [(0, 0), (1, 0), (10, 0), (11, 1), (20, 1), (21, 2)])
def test_postage_rises_with_the_sheets(pages: int, steps: int, settings: Any) -> None:
    assert postage_cents(pages) == settings.FEE_POSTAGE_FIRST_CENTS + steps * settings.FEE_POSTAGE_STEP_CENTS


@pytest.mark.promise("P36")
@pytest.mark.parametrize(
    ("on", "former", "free"),
    [
        (D(2026, 12, 1), [], True),
        (D(2027, 11, 30), [D(2026, 12, 1)], False),
        (D(2027, 12, 1), [D(2026, 12, 1)], True),
        (D(2026, 12, 1), [D(2026, 12, 1)], False),
        (D(2029, 2, 28), [D(2028, 2, 29)], False),
        (D(2029, 3, 1), [D(2028, 2, 29)], True),
        (D(2027, 12, 1), [D(2020, 1, 1), D(2027, 11, 30)], False),
        (D(2026, 12, 1), [D(2027, 1, 1)], True),
    ],
)
def test_the_first_accounting_in_any_twelve_months_is_free(on: dt.date, former: list[dt.date], free: bool) -> None:
    assert accounting_is_free(on, former) is free


@pytest.mark.parametrize(
    ("name", "value"),
    [("FEE_FLAT_CENTS", 651), ("FEE_MN_PAGE_CENTS", 101), ("FEE_MN_MAX_CENTS", 50_001), ("FEE_MN_APPEAL_CENTS", 1001)],
)
def test_the_portal_does_not_start_with_a_fee_above_the_law(name: str, value: int, settings: Any) -> None:
    assert not [problem for problem in bounds_hold() if name in problem.msg]
    setattr(settings, name, value)
    assert [problem for problem in bounds_hold() if name in problem.msg]


@pytest.mark.promise("P36")
@pytest.mark.parametrize("state", list(FeeState))
@pytest.mark.parametrize("action", list(FeeAction))
def test_each_state_of_a_quote_takes_exactly_the_listed_steps(state: FeeState, action: FeeAction) -> None:
    expected = {
        FeeAction.ACCEPT: {"quoted": "accepted", "accepted": "accepted"},
        FeeAction.DECLINE: {"quoted": "declined", "accepted": "declined"},
        FeeAction.PAY: {"accepted": "paid"},
        FeeAction.PAY_BY_POST: {"quoted": "paid", "accepted": "paid"},
        FeeAction.REPLACE: dict.fromkeys(("quoted", "accepted", "waived"), "replaced"),
        FeeAction.DROP: {"quoted": "cancelled", "accepted": "cancelled"},
        FeeAction.GIVE_BACK: dict.fromkeys(("paid", "accepted", "declined", "replaced", "cancelled"), "refunded"),
    }[action].get(state.value)
    if expected is None:
        with pytest.raises(DomainError, match="fee_state"):
            after(state, action)
    else:
        assert after(state, action) == expected


@pytest.mark.parametrize("state", list(PrintState))
@pytest.mark.parametrize("action", list(PaperAction))
def test_each_state_of_paper_takes_exactly_the_listed_steps(state: PrintState, action: PaperAction) -> None:
    expected = {
        PaperAction.TO_PAPER: {"none": "to_print"},
        PaperAction.PRINT: {"to_print": "printed"},
        PaperAction.POST: {"to_print": "posted", "printed": "posted"},
        PaperAction.RETURN: {"posted": "returned"},
        PaperAction.READDRESS: dict.fromkeys(("to_print", "printed", "returned"), "to_print"),
        PaperAction.SETTLE: {"returned": "settled"},
    }[action].get(state.value)
    if expected is None:
        with pytest.raises(DomainError, match="letter_state"):
            paper_after(state, action)
    else:
        assert paper_after(state, action) == expected
