"""Ages, due dates and the clinic's day. Birth dates stay dates from browser to PDF."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


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


# Typed by hand, 2026 easily becomes 0026 or 20266: no day in a form lies before or beyond these.
OLDEST_YEAR, YEARS_AHEAD = 1900, 100


def believable(day: dt.date, *, past: bool = False) -> None:
    """Raise ``ValidationError`` for a day that nobody can have meant; with ``past`` also for one to come."""
    if not OLDEST_YEAR <= day.year <= today().year + YEARS_AHEAD:
        raise forms.ValidationError(_("Check the year: write all four numbers."), code="year")
    if past and day > today():
        raise forms.ValidationError(_("This day has not come yet."), code="day_ahead")


class DayField(forms.DateField):
    """A day in a form, with the browser's own picker. ``past``: the day has come."""

    def __init__(self, *, past: bool = False, **kwargs: Any) -> None:
        self.past = past
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        told = {"required": gettext_lazy("Choose a day."), "invalid": gettext_lazy("Write the day like 2027-03-31.")}
        kwargs["error_messages"] = {**told, **kwargs.get("error_messages", {})}
        super().__init__(**kwargs)

    def validate(self, value: dt.date | None) -> None:
        super().validate(value)
        if value is not None:
            believable(value, past=self.past)


class MomentField(forms.DateTimeField):
    """Day and hour at the clinic, in the same way."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        kwargs.setdefault("widget", widget)
        told = {
            "required": gettext_lazy("Give day and hour."), "invalid": gettext_lazy("Write it like 2027-03-31T09:30."),
        }
        kwargs["error_messages"] = {**told, **kwargs.get("error_messages", {})}
        super().__init__(**kwargs)

    def validate(self, value: dt.datetime | None) -> None:
        super().validate(value)
        if value is not None:
            believable(value)
