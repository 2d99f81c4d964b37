"""The legal clocks of a breach, with the numbers of RULES 3 and nothing between."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from privacy.incidents import clocks
from privacy.incidents.clocks import Breach, DutyKind, Stop

pytestmark = pytest.mark.promise("P52")
D = dt.date


@pytest.mark.parametrize(
    ("discovered", "last"),
    [
        (D(2026, 11, 25), D(2027, 1, 24)),
        (D(2026, 1, 1), D(2026, 3, 2)),
        (D(2027, 12, 31), D(2028, 2, 29)),
        (D(2028, 1, 1), D(2028, 3, 1)),
        (D(2028, 2, 29), D(2028, 4, 29)),
    ],
)
def test_people_are_told_within_sixty_calendar_days(discovered: D, last: D) -> None:
    assert clocks.individuals_due(discovered) == last
    assert (last - discovered).days == 60


@pytest.mark.parametrize(
    ("discovered", "people", "last"),
    [
        (D(2026, 1, 1), 499, D(2027, 3, 1)),
        (D(2026, 12, 31), 499, D(2027, 3, 1)),
        (D(2026, 5, 5), 1, D(2027, 3, 1)),
        (D(2027, 1, 1), 499, D(2028, 2, 29)),
        (D(2027, 12, 31), 499, D(2028, 2, 29)),
        (D(2028, 6, 1), 499, D(2029, 3, 1)),
        (D(2026, 1, 1), 500, D(2026, 3, 2)),
        (D(2026, 1, 1), 501, D(2026, 3, 2)),
        (D(2027, 12, 31), 500, D(2028, 2, 29)),
    ],
)
def test_hhs_hears_with_the_people_from_500_on_else_sixty_days_after_the_year(
    discovered: D, people: int, last: D
) -> None:
    assert clocks.hhs_due(discovered, people) == last


@pytest.mark.parametrize(("people", "told"), [(499, ()), (500, ()), (501, ("MN",))])
def test_media_hear_of_more_than_500_residents_of_one_state(people: int, told: tuple[str, ...]) -> None:
    assert clocks.media_states({"MN": people, "WI": 500}) == told


def test_two_states_of_300_are_no_news_for_the_media_but_600_for_hhs() -> None:
    breach = Breach(D(2026, 4, 1), {"MN": 300, "WI": 300})
    assert clocks.media_states(breach.residents) == ()
    assert clocks.hhs_due(breach.discovered_on, breach.people) == D(2026, 5, 31)
    assert clocks.media_states({"": 900}) == ()


@pytest.mark.parametrize(("people", "needed"), [(499, False), (500, False), (501, True)])
def test_credit_bureaus_hear_of_more_than_500_minnesotans_with_numbers(people: int, needed: bool) -> None:
    assert clocks.bureaus_needed({"MN": people}, identifiers=True) is needed
    assert clocks.bureaus_needed({"MN": people}, identifiers=False) is False
    assert clocks.bureaus_needed({"WI": people}, identifiers=True) is False


def test_credit_bureaus_hear_within_48_hours() -> None:
    known = dt.datetime(2028, 2, 28, 23, 30, tzinfo=dt.UTC)
    assert clocks.bureaus_due(known) == dt.datetime(2028, 3, 1, 23, 30, tzinfo=dt.UTC)
    over_the_change_of_clocks = dt.datetime(2026, 10, 31, 12, 0, tzinfo=dt.UTC)
    assert clocks.bureaus_due(over_the_change_of_clocks) - over_the_change_of_clocks == dt.timedelta(hours=48)


@pytest.mark.parametrize(
    ("day", "passed"), [(9, []), (10, [10]), (29, [10]), (30, [10, 30]), (44, [10, 30]), (45, [10, 30, 45])]
)
def test_alarms_ring_on_their_days(day: int, passed: list[int]) -> None:
    found = D(2026, 3, 1)
    assert clocks.alarms_passed(found, found + dt.timedelta(days=day)) == passed
    assert clocks.alarms_passed(found, found + dt.timedelta(days=7), [5, 7]) == [5, 7]


def test_a_spoken_request_to_wait_holds_for_thirty_days() -> None:
    assert clocks.oral_delay_ends(D(2028, 2, 1)) == D(2028, 3, 2)


def test_nobody_is_told_while_law_enforcement_asks_to_wait() -> None:
    stops = [Stop(D(2026, 3, 1), D(2026, 3, 31)), Stop(D(2026, 3, 20), D(2026, 4, 10))]
    assert clocks.stopped_until(stops, D(2026, 2, 28)) is None
    assert clocks.stopped_until(stops, D(2026, 3, 10)) == D(2026, 3, 31)
    assert clocks.stopped_until(stops, D(2026, 3, 25)) == D(2026, 4, 10)
    assert clocks.stopped_until(stops, D(2026, 4, 11)) is None


@pytest.mark.parametrize(
    ("stops", "due"),
    [
        ([], D(2026, 5, 31)),
        ([Stop(D(2026, 4, 2), D(2026, 5, 1))], D(2026, 5, 31)),  # over before the last day: nothing is gained
        ([Stop(D(2026, 4, 2), D(2026, 5, 31))], D(2026, 6, 1)),
        ([Stop(D(2026, 5, 20), D(2026, 7, 1))], D(2026, 7, 2)),
        ([Stop(D(2026, 5, 20), D(2026, 6, 10)), Stop(D(2026, 6, 11), D(2026, 6, 30))], D(2026, 7, 1)),
        ([Stop(D(2026, 6, 1), D(2026, 7, 1))], D(2026, 5, 31)),  # asked for when it was late already
    ],
)
def test_a_delay_moves_the_last_day_only_as_far_as_it_lasts(stops: list[Stop], due: D) -> None:
    assert clocks.due_after(D(2026, 5, 31), stops) == due


def test_the_duties_of_a_large_breach_stand_in_the_order_of_their_days() -> None:
    known = dt.datetime(2026, 4, 3, 15, 0, tzinfo=dt.UTC)
    breach = Breach(D(2026, 4, 1), {"MN": 501, "WI": 20}, identifiers=True, bureaus_from=known)
    found = clocks.duties(breach)
    assert [(duty.kind, duty.due_on) for duty in found] == [
        (DutyKind.BUREAUS, D(2026, 4, 5)),
        (DutyKind.INDIVIDUALS, D(2026, 5, 31)), (DutyKind.HHS, D(2026, 5, 31)), (DutyKind.MEDIA, D(2026, 5, 31)),
    ]
    assert found[0].at == dt.datetime(2026, 4, 5, 15, 0, tzinfo=dt.UTC)
    assert found[3].states == ("MN",)


def test_a_small_breach_has_two_duties() -> None:
    found = clocks.duties(Breach(D(2026, 4, 1), {"MN": 3}, identifiers=True))
    assert [(duty.kind, duty.due_on) for duty in found] == [
        (DutyKind.INDIVIDUALS, D(2026, 5, 31)), (DutyKind.HHS, D(2027, 3, 1)),
    ]


@pytest.mark.parametrize(("unreached", "needed"), [(0, False), (9, False), (10, True), (11, True)])
def test_ten_who_cannot_be_reached_need_a_public_notice(unreached: int, needed: bool) -> None:
    assert clocks.substitute_needed(unreached) is needed


def test_a_setting_may_be_stricter_than_the_law_and_never_more_lenient(settings: Any) -> None:
    day = D(2026, 1, 1)
    settings.BREACH_INDIVIDUAL_DAYS, settings.BREACH_ORAL_DELAY_DAYS = 30, 10
    settings.BREACH_POSTING_DAYS, settings.INCIDENT_KEEP_YEARS = 120, 7
    clock = (clocks.individuals_due, clocks.oral_delay_ends, clocks.posting_ends, clocks.kept_until)
    assert tuple(end(day) for end in clock) == (D(2026, 1, 31), D(2026, 1, 11), D(2026, 4, 30), D(2033, 1, 1))
    settings.BREACH_INDIVIDUAL_DAYS, settings.BREACH_ORAL_DELAY_DAYS = 90, 60
    settings.BREACH_POSTING_DAYS, settings.INCIDENT_KEEP_YEARS = 30, 1
    assert tuple(end(day) for end in clock) == (D(2026, 3, 2), D(2026, 1, 31), D(2026, 3, 31), D(2032, 1, 1))


def test_a_public_notice_stands_for_ninety_days() -> None:
    first = D(2027, 12, 15)
    last = clocks.posting_ends(first)
    assert last == D(2028, 3, 13)
    assert (last - first).days + 1 == 90
