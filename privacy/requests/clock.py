"""The legal clock of a request: calendar days, counted from the day after receipt (RULES 1.2, 1.3, 1.21, 1.32)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings

from portal.dates import clinic_zone, due_on, today
from privacy.requests.models import RightsRequest
from privacy.requests.registry import KindRules
from privacy.requests.state import RequestState


@dataclass(frozen=True)
class Clock:
    """A legal clock as a bar: ``day`` of ``days``, ``left`` days to go (negative when late)."""

    received_on: dt.date
    due_on: dt.date
    day: int
    days: int
    left: int

    @property
    def late(self) -> bool:
        return self.left < 0

    @property
    def late_days(self) -> int:
        return max(0, -self.left)


def clock_of(request: RightsRequest, *, on: dt.date | None = None) -> Clock:
    """The request's clock on a day; one that has ended shows the day on which it did."""
    begun, ended = request.received_on, request.ended_at
    if request.state == RequestState.UNDER_REVIEW and request.review_asked_on:
        begun = request.review_asked_on
    day = ended.astimezone(clinic_zone()).date() if ended else (on or today())
    days = (request.due_on - begun).days
    passed = max(0, (day - begun).days)
    return Clock(begun, request.due_on, min(passed, days), days, (request.due_on - day).days)


def first_due(rules: KindRules, received_on: dt.date) -> dt.date:
    """The last day of the first period."""
    return due_on(received_on, getattr(settings, rules.due_days))


def may_extend(rules: KindRules) -> bool:
    """Whether the law that counts here knows an extension at all (RULES 4.6: Minnesota's access has none)."""
    if not rules.extension_days or not getattr(settings, rules.extension_days):
        return False
    return not rules.extension_allowed or bool(getattr(settings, rules.extension_allowed))


def extension_limit(rules: KindRules, request: RightsRequest) -> dt.date:
    """The last day to which the clock may be set, counted from the end of the first period."""
    return due_on(request.first_due_on, getattr(settings, rules.extension_days))


def extension_open(rules: KindRules, request: RightsRequest, *, on: dt.date | None = None) -> bool:
    """True while the one extension may still be taken: not used, and inside the first period."""
    return may_extend(rules) and request.extended_at is None and (on or today()) <= request.first_due_on
