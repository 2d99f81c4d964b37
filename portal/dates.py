"""Ages, due dates and the clinic's day. Birth dates stay dates from browser to PDF."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def clinic_zone() -> ZoneInfo:
    """The clinic's own time zone; legal days are counted in it."""
    return ZoneInfo(settings.CLINIC_TIME_ZONE)


def today() -> dt.date:
    """The clinic's calendar day now."""
    return timezone.now().astimezone(clinic_zone()).date()


def clinic_day(moment: dt.datetime) -> dt.date:
    """The clinic's calendar day of a moment: what a mail, a letter or a file's name may call its day."""
    return moment.astimezone(clinic_zone()).date()


def start_of_day(day: dt.date) -> dt.datetime:
    """The moment at which a calendar day begins at the clinic."""
    return dt.datetime.combine(day, dt.time.min, clinic_zone())


def age_on(birth_date: dt.date, day: dt.date) -> int:
    """Whole years on ``day``. Born on 29 February: the birthday is 1 March in other years."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (0 if had_birthday else 1)


def years_later(day: dt.date, years: int) -> dt.date:
    """The same calendar day ``years`` on; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1)


def due_on(received_on: dt.date, days: int) -> dt.date:
    """Last day of a legal clock: calendar days counted from the day after receipt (RULES, "Dates")."""
    return received_on + dt.timedelta(days=days)
