"""How long the archive keeps a copy (P40, RULES 4.19): the clinic's own rule, in settings."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from portal.dates import age_on, years_later


def retain_until(*, birth_date: dt.date, last_service: dt.date) -> dt.date:
    """The last day on which a copy is kept.

    Adults: so many years after the last service. Who was a minor then: that, or the birthday of
    a set age, whichever is later.
    """
    adult = years_later(last_service, settings.RETENTION_ADULT_YEARS)
    if age_on(birth_date, last_service) >= settings.ADULT_AGE:
        return adult
    return max(adult, years_later(birth_date, settings.RETENTION_MINOR_UNTIL_AGE))
