"""The legal clocks of a breach, as pure functions of days and counts (RULES 3.5 to 3.11, 3.14).

Calendar days, counted from the day after discovery; no date moves over a weekend. The numbers are
the settings of ``portal.rules``, within the law's ceilings and floors.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from portal.dates import clinic_zone, due_on, years_later

# The law's own ends: a setting may be stricter, never more lenient (RULES 3.5, 3.7, 3.11, 1.58).
INDIVIDUAL_DAYS_MOST, ORAL_DAYS_MOST, POSTING_DAYS_LEAST, KEEP_YEARS_LEAST = 60, 30, 90, 6


class DutyKind(StrEnum):
    """Who has to be told of a breach."""

    INDIVIDUALS = "individuals"
    HHS = "hhs"
    MEDIA = "media"
    BUREAUS = "bureaus"


@dataclass(frozen=True)
class Stop:
    """A delay that law enforcement asked for: until the end of ``until`` nobody is told (RULES 3.11)."""

    starts_on: dt.date
    until: dt.date


def individuals_due(discovered_on: dt.date) -> dt.date:
    """The last day for telling the people themselves: 60 calendar days at most (RULES 3.5)."""
    return due_on(discovered_on, min(settings.BREACH_INDIVIDUAL_DAYS, INDIVIDUAL_DAYS_MOST))


def hhs_due(discovered_on: dt.date, people: int) -> dt.date:
    """The last day for telling HHS: with the people from 500 on, else 60 days after the year's end (RULES 3.8)."""
    if people >= settings.BREACH_HHS_AT:
        return individuals_due(discovered_on)
    return due_on(dt.date(discovered_on.year, 12, 31), settings.BREACH_SMALL_REPORT_DAYS)


def media_states(residents: Mapping[str, int]) -> tuple[str, ...]:
    """States of which more than 500 residents are affected: not 500 itself (RULES 3.9)."""
    return tuple(sorted(state for state, count in residents.items() if state and count > settings.BREACH_MEDIA_ABOVE))


def bureaus_needed(residents: Mapping[str, int], *, identifiers: bool) -> bool:
    """More than 500 Minnesotans whose names came with a number that opens accounts (RULES 3.14)."""
    return identifiers and residents.get("MN", 0) > settings.MN_BUREAU_ABOVE


def bureaus_due(known_at: dt.datetime) -> dt.datetime:
    """Hours, not days: from the moment at which it was known that so many are affected (RULES 3.14)."""
    return known_at + dt.timedelta(hours=settings.MN_BUREAU_HOURS)


def oral_delay_ends(starts_on: dt.date) -> dt.date:
    """An officer's spoken word holds for 30 days at most, unless it comes in writing by then (RULES 3.11)."""
    return due_on(starts_on, min(settings.BREACH_ORAL_DELAY_DAYS, ORAL_DAYS_MOST))


def stopped_until(stops: Iterable[Stop], on: dt.date) -> dt.date | None:
    """The last day of the delays that run on this day, or None: nobody may be told before it is over."""
    return max((stop.until for stop in stops if stop.starts_on <= on <= stop.until), default=None)


def due_after(due: dt.date, stops: Iterable[Stop]) -> dt.date:
    """The day itself, or the first one after a delay that began before it and outlasts it."""
    for stop in sorted(stops, key=lambda one: one.starts_on):
        if stop.starts_on <= due <= stop.until:
            due = stop.until + dt.timedelta(days=1)
    return due


def alarms_passed(discovered_on: dt.date, on: dt.date, days: Sequence[int] | None = None) -> list[int]:
    """The alarm days that have come since discovery: telling people has no business waiting for day 60."""
    wanted = settings.BREACH_ALARM_DAYS if days is None else days
    return [day for day in sorted(wanted) if on >= discovered_on + dt.timedelta(days=day)]


@dataclass(frozen=True)
class Breach:
    """What the clocks need to know. ``residents`` counts the affected by state; "" is "not known"."""

    discovered_on: dt.date
    residents: Mapping[str, int]
    identifiers: bool = False
    bureaus_from: dt.datetime | None = None
    stops: tuple[Stop, ...] = ()

    @property
    def people(self) -> int:
        return sum(self.residents.values())


@dataclass(frozen=True)
class Duty:
    """One thing to do by a day; ``at`` is its hour where the law counts hours."""

    kind: DutyKind
    due_on: dt.date
    at: dt.datetime | None = None
    states: tuple[str, ...] = ()


def duties(breach: Breach) -> list[Duty]:
    """Everybody who has to be told, with the last day for each, nearest first."""
    found = [
        Duty(DutyKind.INDIVIDUALS, due_after(individuals_due(breach.discovered_on), breach.stops)),
        Duty(DutyKind.HHS, due_after(hhs_due(breach.discovered_on, breach.people), breach.stops)),
    ]
    states = media_states(breach.residents)
    if states:
        day = due_after(individuals_due(breach.discovered_on), breach.stops)
        found.append(Duty(DutyKind.MEDIA, day, states=states))
    if bureaus_needed(breach.residents, identifiers=breach.identifiers) and breach.bureaus_from is not None:
        moment = bureaus_due(breach.bureaus_from)
        day = moment.astimezone(clinic_zone()).date()
        later = due_after(day, breach.stops)
        found.append(Duty(DutyKind.BUREAUS, later, at=moment if later == day else None))
    return sorted(found, key=lambda duty: duty.due_on)


def substitute_needed(unreached: int) -> bool:
    """Ten or more whose address is wrong: a public notice; fewer: each by another way (RULES 3.7)."""
    return bool(unreached >= settings.BREACH_SUBSTITUTE_AT)


def posting_ends(starts_on: dt.date) -> dt.date:
    """The last day of a public notice, which stands for 90 days: its first day counts as one of them."""
    return starts_on + dt.timedelta(days=max(settings.BREACH_POSTING_DAYS, POSTING_DAYS_LEAST) - 1)


def kept_until(ended_on: dt.date) -> dt.date:
    """Until when the documents of an incident or a report are kept: six years at least (RULES 1.58, 3.13)."""
    return years_later(ended_on, max(settings.INCIDENT_KEEP_YEARS, KEEP_YEARS_LEAST))
