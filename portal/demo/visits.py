"""A month of counted visits, so that the owner's page has something to show."""

from __future__ import annotations

import datetime as dt
import random

from portal.dates import today
from privacy.visitors.models import VisitCount
from privacy.visitors.pages import PAGES, STAYS
from privacy.visitors.proof import counters_prove

DAYS = 35
# How many visits a weekday brings each page, about; those that are not named here get one now and then.
BUSY: dict[str, float] = {
    "pages:home": 42, "pages:how_it_works": 16, "accounts:start": 11, "account_login": 14, "pages:questions": 5,
    "privacy:promises": 3, "pages:policy": 3, "privacy:home": 2, "accounts:profile": 2,
}
SHARE: dict[str, float] = {
    "Safari": 0.44, "Chrome": 0.36, "Samsung Internet": 0.08, "Edge": 0.06, "Firefox": 0.05, "Opera": 0.01,
}
STAY_SHARE = (0.24, 0.27, 0.21, 0.18, 0.08, 0.02)


def seed_visits() -> int:
    """Fill the counters once. Returns how many rows were made."""
    if VisitCount.objects.exists():
        return 0
    dice = random.Random(35)  # noqa: S311 - made-up numbers
    rows = []
    for back in range(DAYS):
        day = today() - dt.timedelta(days=back)
        quiet = 0.55 if day.weekday() >= 5 else 1.0
        for page in PAGES:
            for family, share in SHARE.items():
                for stay, part in zip(STAYS, STAY_SHARE, strict=True):
                    views = _about(dice, BUSY.get(page, 0.3) * quiet * share * part)
                    if views:
                        rows.append(VisitCount(day=day, page=page, family=family, stay=stay, views=views))
    VisitCount.objects.bulk_create(rows)
    counters_prove()
    return len(rows)


def _about(dice: random.Random, expected: float) -> int:
    """A whole number near this one; small ones are mostly nought."""
    whole = int(expected)
    return max(0, whole + (dice.random() < expected - whole) + dice.choice((-1, 0, 0, 1)) * (whole > 2))
