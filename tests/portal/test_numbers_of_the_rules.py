"""The numbers of RULES.md 1 to 4 and of its list of settings: each as it stands there, and none in the code itself."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from portal import checks
from privacy import deidentified
from privacy.disclosing.accounting import window_of
from privacy.fees.calculator import Form, minnesota_cents, quote
from privacy.incidents import clocks
from privacy.mails import books_until, log_until
from privacy.requests import clock
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, rules_of

D = dt.date
ROOT = Path(__file__).resolve().parents[2]
# Row of the rules, setting, the number there, and how far it may be moved: (lowest, highest).
NUMBERS: tuple[tuple[str, str, Any, tuple[int, int | None] | None], ...] = (
    ("1.2, 4.5", "ACCESS_DUE_DAYS", 30, (1, 30)),
    ("1.3", "ACCESS_EXTENSION_DAYS", 30, (0, 30)),
    ("4.6", "ACCESS_EXTENSION_ALLOWED", False, None),
    ("1.11", "FEE_FLAT_CENTS", 650, (0, 650)),
    ("1.17", "REVIEW_DUE_DAYS", 30, None),
    ("1.21", "AMENDMENT_DUE_DAYS", 60, (1, 60)),
    ("1.21", "AMENDMENT_EXTENSION_DAYS", 30, (0, 30)),
    ("1.25", "STATEMENT_MAX_SIGNS", 4000, None),
    ("1.28", "ACCOUNTING_WINDOW_YEARS", 6, (6, None)),
    ("1.32", "ACCOUNTING_DUE_DAYS", 60, (1, 60)),
    ("1.32", "ACCOUNTING_EXTENSION_DAYS", 30, (0, 30)),
    ("1.33", "ACCOUNTING_FREE_PER_YEAR", 1, (1, None)),
    ("1.34", "ACCOUNTING_ORAL_SUSPENSION_DAYS", 30, (1, 30)),
    ("1.56", "DEID_AGE_TOP", 90, (1, 90)),
    ("1.58", "LOG_KEEP_YEARS", 6, (6, None)),
    ("1.58", "RISK_KEEP_YEARS", 6, (6, None)),
    ("1.58, 3.13", "INCIDENT_KEEP_YEARS", 6, (6, None)),
    ("1.61", "TRAINING_VALID_DAYS", 365, None),
    ("2.7", "LOG_REVIEW_DAY", 10, (1, 28)),
    ("2.8", "RISK_ANALYSIS_DAYS", 365, None),
    ("2.12", "BACKUP_MAX_AGE_HOURS", 24, (1, 48)),
    ("3.5", "BREACH_INDIVIDUAL_DAYS", 60, (1, 60)),
    ("3.5", "BREACH_ALARM_DAYS", [10, 30, 45], None),
    ("3.7", "BREACH_SUBSTITUTE_AT", 10, (1, 10)),
    ("3.7", "BREACH_POSTING_DAYS", 90, (90, None)),
    ("3.8", "BREACH_HHS_AT", 500, (1, 500)),
    ("3.8", "BREACH_SMALL_REPORT_DAYS", 60, (1, 60)),
    ("3.9", "BREACH_MEDIA_ABOVE", 500, (0, 500)),
    ("3.11", "BREACH_ORAL_DELAY_DAYS", 30, (1, 30)),
    ("3.12", "VENDOR_NOTICE_DAYS", 60, (1, 60)),
    ("3.14", "MN_BUREAU_ABOVE", 500, (0, 500)),
    ("3.14", "MN_BUREAU_HOURS", 48, (1, 48)),
    ("4.3", "MN_CONSENT_YEARS", 1, (1, 1)),
    ("4.7", "FEE_MN_PAGE_CENTS", 100, (0, 100)),
    ("4.7", "FEE_MN_RETRIEVAL_CENTS", 1000, (0, 1000)),
    ("4.7", "FEE_MN_XRAY_CENTS", 3000, (0, 3000)),
    ("4.7", "FEE_MN_ELECTRONIC_CENTS", 2000, (0, 2000)),
    ("4.7", "FEE_MN_NONE_CENTS", 1000, (0, 1000)),
    ("4.7", "FEE_MN_FEW_PAGES", 25, None),
    ("4.7", "FEE_MN_FEW_CENTS", 3000, (0, 3000)),
    ("4.7", "FEE_MN_MANY_PAGES", 100, None),
    ("4.7", "FEE_MN_MANY_CENTS", 5000, (0, 5000)),
    ("4.7", "FEE_MN_OVER_CENTS", 20, (0, 20)),
    ("4.7", "FEE_MN_MAX_CENTS", 50_000, (0, 50_000)),
    ("4.7", "FEE_MN_APPEAL_CENTS", 1000, (0, 1000)),
    ("4.12", "ADULT_AGE", 18, (18, None)),
    ("4.19", "RETENTION_ADULT_YEARS", 7, (7, None)),
    ("4.19", "RETENTION_MINOR_UNTIL_AGE", 25, (25, None)),
    ("P39", "DELETION_DUE_DAYS", 30, (1, 30)),
    ("5.1", "LEAVING_DUE_DAYS", 10, (1, 14)),
    ("6.5", "MINIMUM_AGE", 13, (13, None)),
    ("6.9", "SESSION_WARN_SECONDS", 120, (20, None)),
    ("7.8", "SESSION_PATIENT_HOURS", 24, (1, 24)),
    ("7.8", "SESSION_PATIENT_IDLE_MINUTES", 30, (2, 60)),
    ("7.8", "SESSION_STAFF_HOURS", 12, (1, 12)),
    ("7.8", "SESSION_STAFF_IDLE_MINUTES", 15, (2, 15)),
    ("7.12", "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT", 3600, (60, 86_400)),
)


@pytest.mark.parametrize(("row", "setting", "number", "bounds"), NUMBERS)
def test_a_number_of_the_rules_is_a_setting_within_the_laws_ends(
    row: str, setting: str, number: Any, bounds: tuple[int, int | None] | None, settings: Any
) -> None:
    assert getattr(settings, setting) == number, row
    found = {name: (lowest, highest) for name, lowest, highest, _rule in checks.BOUNDS}
    assert found.get(setting) == bounds, row


# --- Days that nothing else tests --------------------------------------------------------------------------


@pytest.mark.promise("P35")
@pytest.mark.parametrize(
    ("allowed", "day", "open_"),
    [
        (True, D(2026, 12, 31), True), (True, D(2027, 1, 1), False), (False, D(2026, 12, 2), False),
    ],
)
def test_time_for_access_is_given_inside_the_thirty_days_where_counsel_allows_it(
    allowed: bool, day: D, open_: bool, settings: Any
) -> None:
    """RULES 1.3 and 4.6: the button is gone after day 30, and in Minnesota it is never there."""
    settings.ACCESS_EXTENSION_ALLOWED = allowed
    rules = rules_of(RequestKind.ACCESS_PAPER)
    due = clock.first_due(rules, D(2026, 12, 1))
    assert due == D(2026, 12, 31)
    row = RightsRequest(kind=rules.kind, received_on=D(2026, 12, 1), first_due_on=due, due_on=due)
    assert clock.extension_open(rules, row, on=day) is open_


@pytest.mark.promise("P34")
@pytest.mark.parametrize(
    ("received", "since"),
    [
        (D(2026, 12, 1), D(2020, 12, 1)), (D(2028, 2, 29), D(2022, 3, 1)), (D(2030, 2, 28), D(2024, 2, 28)),
    ],
)
def test_an_accounting_goes_back_six_years_to_the_day(received: D, since: D) -> None:
    """RULES 1.28."""
    request = RightsRequest(kind=RequestKind.ACCOUNTING, subject_id=uuid4(), received_on=received)
    assert window_of(request) == (since, received)


@pytest.mark.promise("P52")
@pytest.mark.parametrize(
    ("ended", "until"),
    [(D(2026, 11, 25), D(2032, 11, 25)), (D(2028, 2, 29), D(2034, 3, 1)), (D(2026, 2, 28), D(2032, 2, 28))],
)
def test_the_documents_of_an_incident_are_kept_six_years(ended: D, until: D) -> None:
    """RULES 1.58, 3.13."""
    assert clocks.kept_until(ended) == until


@pytest.mark.promise("P41")
def test_the_last_letter_says_until_when_log_and_books_are_kept(time_machine: Any) -> None:
    """RULES 1.58: six years, and seven for the books; a leap day becomes the first of March."""
    time_machine.move_to(dt.datetime(2028, 2, 29, 18, tzinfo=dt.UTC))
    assert (log_until(), books_until()) == (D(2034, 3, 1), D(2035, 3, 1))


@pytest.mark.promise("P36")
def test_minnesota_allows_nothing_for_a_copy_to_go_over_current_care() -> None:
    """RULES 4.7; a copy for somebody else is not the patient's own."""
    given: dict[str, Any] = {"form": Form.PAPER, "pages": 41, "minutes": 5, "postage_cents": 271}
    assert minnesota_cents(Form.PAPER, 41, current_care=True) == 0
    asked = quote(**given, current_care=True)
    assert asked.free and sum(line.cents for line in asked.lines) == 0
    assert quote(**given, kind="access_third_party", current_care=True).cents == 757
    assert quote(**given).cents == 757


@pytest.mark.promise("P36")
def test_x_rays_and_what_is_electronic_cost_a_sum_in_all() -> None:
    """RULES 4.7: 30 and 20 dollars, however much it is."""
    assert minnesota_cents(Form.PAPER, 900, xrays=True) == 3000
    assert minnesota_cents(Form.ELECTRONIC, 9000) == 2000
    assert minnesota_cents(Form.PAPER, 9000, appeal=True) == 1000
    assert quote(form=Form.PAPER, pages=101, minutes=600, postage_cents=0).cents == 5020


# RULES 1.55: areas of 20,000 people or fewer, by the census of 2000 and by that of 2010.
SMALL_2000 = {
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890",
    "893",
}
SMALL_2010 = {"036", "059", "102", "203", "205", "369", "556", "692", "821", "823", "878", "879", "884", "893"}


@pytest.mark.promise("P10")
def test_the_small_areas_of_both_lists_are_hidden_and_no_other(settings: Any) -> None:
    assert (len(SMALL_2000), len(SMALL_2010)) == (17, 14)
    assert sorted(settings.DEID_ZIP3_SMALL) == sorted(SMALL_2000 | SMALL_2010)
    kept = {f"{number:03d}" for number in range(1000) if deidentified.zip3_of(f"{number:03d}01") != "000"}
    assert kept == {f"{number:03d}" for number in range(1, 1000)} - SMALL_2000 - SMALL_2010


# --- No number in the code ---------------------------------------------------------------------------------

# What is no number of law: minutes in an hour, months, the last day of a year, signs of a ZIP code.
PLAIN = {-1, 0, 1, 2, 3, 12, 31}
COUNTING = {
    "privacy/requests/clock.py": set(), "privacy/fees/calculator.py": {60}, "privacy/retention.py": set(),
    # The ends of the law below which no setting reaches, once more where the clock is read.
    "privacy/incidents/clocks.py": {60, 30, 90, 6},
    "privacy/disclosing/accounting.py": {8}, "privacy/closing.py": set(), "privacy/denials/letters.py": set(),
    "privacy/guardians/services.py": set(), "privacy/leaving/services.py": set(),
    "privacy/keeping/accounting.py": set(),
}


@pytest.mark.parametrize("path", sorted(COUNTING))
def test_what_counts_days_and_sums_has_no_number_of_its_own(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    numbers = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int}
    assert numbers - PLAIN <= COUNTING[path]


def test_every_clock_of_a_kind_of_request_is_a_name_of_the_numbers() -> None:
    from portal import rules
    from privacy.requests.registry import kinds

    def named(kind: KindRules) -> list[str]:
        return [name for name in (kind.due_days, kind.extension_days, kind.extension_allowed) if name]

    assert [name for kind in kinds() for name in named(kind) if not hasattr(rules, name)] == []
