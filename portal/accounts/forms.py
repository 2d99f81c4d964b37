"""The forms of the gate, of sign-up and of the account page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import gate, services
from portal.accounts.models import SuspensionReason, User
from portal.agreements.models import AgreementContext, PolicyKind
from portal.agreements.services import agreement_record
from portal.dates import today

OLDEST_YEARS = 130
MONTHS = [
    ("", gettext_lazy("Month")), (1, gettext_lazy("January")), (2, gettext_lazy("February")),
    (3, gettext_lazy("March")), (4, gettext_lazy("April")), (5, gettext_lazy("May")), (6, gettext_lazy("June")),
    (7, gettext_lazy("July")), (8, gettext_lazy("August")), (9, gettext_lazy("September")),
    (10, gettext_lazy("October")), (11, gettext_lazy("November")), (12, gettext_lazy("December")),
]


class BirthDateWidget(forms.MultiWidget):
    """Month, day and year, each with a label, none filled in."""

    template_name = "accounts/birth_date.html"
    use_fieldset = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {
                "month": forms.Select(choices=MONTHS, attrs={"autocomplete": "bday-month"}),
                "day": forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 2, "autocomplete": "bday-day"}),
                "year": forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 4, "autocomplete": "bday-year"}),
            },
            attrs,
        )

    def decompress(self, value: Any) -> list[Any]:
        return [value.month, value.day, value.year] if isinstance(value, dt.date) else [None, None, None]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        found = super().get_context(name, value, attrs)
        labels = (_("Month"), _("Day"), _("Year"))
        for part, label in zip(found["widget"]["subwidgets"], labels, strict=True):
            part["label"] = label
        return found


class BirthDateField(forms.MultiValueField):
    """A calendar date that stays one: no instant, no time zone. Cleans to ``date``."""

    widget = BirthDateWidget

    def __init__(self, **kwargs: Any) -> None:
        whole = _("Write the day and the year as numbers.")
        fields = (
            forms.TypedChoiceField(choices=MONTHS, coerce=int, required=False),
            forms.IntegerField(min_value=1, max_value=31, error_messages={"invalid": whole}),
            forms.IntegerField(min_value=1, max_value=9999, error_messages={"invalid": whole}),
        )
        kwargs.setdefault(
            "error_messages",
            {
                "required": gettext_lazy("Fill in your birth date."),
                "incomplete": gettext_lazy("Fill in month, day and year."),
            },
        )
        super().__init__(fields, require_all_fields=True, **kwargs)

    def compress(self, data_list: list[Any]) -> dt.date | None:
        if not data_list:
            return None
        month, day, year = data_list
        if not month:
            raise forms.ValidationError(_("Choose the month."), code="incomplete")
        try:
            birth_date = dt.date(int(year), int(month), int(day))
        except ValueError:
            raise forms.ValidationError(_("There is no such day. Check day and month."), code="no_such_day") from None
        if birth_date > today():
            raise forms.ValidationError(_("This day has not come yet. Check the year."), code="future")
        if birth_date.year < today().year - OLDEST_YEARS:
            raise forms.ValidationError(_("Check the year: write all four numbers."), code="too_old")
        return birth_date


ELSEWHERE = "elsewhere"
_NO_PLACES = ("Etc/", "posix/", "right/", "SystemV/")


def _states() -> list[tuple[str, Any]]:
    return [*settings.CLINIC_STATES.items(), (ELSEWHERE, gettext_lazy("Somewhere else"))]


class GateForm(forms.Form):
    """Asked before anything is known of a person, and forgotten once answered."""

    birth_date = BirthDateField(label=gettext_lazy("When were you born?"))
    state = forms.ChoiceField(
        label=gettext_lazy("Which state are you in?"), choices=_states, widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "We mean where you live and where you are right now. If these differ, choose “Somewhere else”."
        ),
        error_messages={"required": gettext_lazy("Choose where you are.")},
    )
    privacy_policy = forms.BooleanField(
        label=gettext_lazy("I have read the privacy policy and agree to it"),
        error_messages={"required": gettext_lazy("To have an account here, agree to the privacy policy.")},
    )
    terms_of_service = forms.BooleanField(
        label=gettext_lazy("I have read the terms of service and agree to them"),
        error_messages={"required": gettext_lazy("To have an account here, agree to the terms of service.")},
    )

    @property
    def age(self) -> gate.AgeAnswer | None:
        """What the birth date says, as soon as it is a date; the other answers need not be right."""
        birth_date = self.cleaned_data.get("birth_date")
        return gate.age_answer(birth_date) if birth_date else None

    @property
    def is_elsewhere(self) -> bool:
        return self.cleaned_data.get("state") == ELSEWHERE


assert {"privacy_policy", "terms_of_service"} == {PolicyKind.PRIVACY_POLICY, PolicyKind.TERMS_OF_SERVICE}


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Address, password, and the ticket of the gate. The agreement is kept with the account (P01)."""

    account_already_exists: bool
    ticket = forms.CharField(widget=forms.HiddenInput)
    field_order = ("email", "password1", "ticket")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = context.request
        self.fields["ticket"].initial = request.GET.get("ticket", "") if request is not None else ""
        self.fields["email"].help_text = _(
            "We write to this address, sometimes about your treatment. Use a mailbox that only you read."
        )
        self.fields["password1"].help_text = _(
            "At least 15 characters. A short sentence is easy to remember and hard to guess. Keep it to yourself."
        )
        for name in ("email", "password1"):
            self.fields[name].widget.attrs.pop("placeholder", None)

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """As allauth does, but somebody who never proved an address can simply start again.

        Two presses at once end in one account: the later one gets the same answer as ever.
        """
        email = self.cleaned_data["email"]
        if self.account_already_exists and services.account_unproven_remove(email=email):
            self.account_already_exists = False
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])  # takes as long as making a new account
        try:
            with transaction.atomic():
                return super().try_save(request)  # type: ignore[no-any-return]
        except IntegrityError:
            self.account_already_exists = True
            return super().try_save(request)  # type: ignore[no-any-return]

    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        policies = gate.policies_of(self.cleaned_data["ticket"])
        if policies is None:
            raise ValueError("The gate was passed, and its ticket ran out in between.")
        agreement_record(
            by=user.actor, policies=policies, context=AgreementContext.SIGN_UP,
            remote_address=services.remote_address(request),
        )
        return user


class TimeZoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """In which zone this person reads times."""

    class Meta:
        model = User
        fields = ["time_zone"]

    time_zone = forms.ChoiceField(label=gettext_lazy("Your time zone"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = time_zone_choices()  # type: ignore[attr-defined]


def time_zone_choices() -> list[tuple[str, str]]:
    """The zones of the United States by their common names first, then all the world's."""
    clinic = ZoneInfo(settings.CLINIC_TIME_ZONE).key.replace("_", " ")
    common = [
        ("America/New_York", _("Eastern time")), ("America/Chicago", _("Central time")),
        ("America/Denver", _("Mountain time")), ("America/Phoenix", _("Arizona time")),
        ("America/Los_Angeles", _("Pacific time")), ("America/Anchorage", _("Alaska time")),
        ("Pacific/Honolulu", _("Hawaii time")),
    ]
    others = available_timezones() - {name for name, _label in common}
    rest = sorted(name for name in others if "/" in name and not name.startswith(_NO_PLACES))
    first = ("", _("The clinic's: %(zone)s") % {"zone": clinic})
    return [first, *common, *((name, name.replace("_", " ")) for name in rest)]


class StopForm(forms.Form):
    """Which sign-in or device is stopped, why, and what happened (P56)."""

    device = forms.ChoiceField(label=gettext_lazy("What is stopped?"), widget=forms.RadioSelect)
    reason = forms.ChoiceField(
        label=gettext_lazy("Why?"), choices=SuspensionReason.choices, widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose the reason that fits best.")},
    )
    note = forms.CharField(
        label=gettext_lazy("What happened?"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Only officers read it."),
        error_messages={"required": gettext_lazy("Write down what happened.")},
    )

    def __init__(self, data: Any = None, *, devices: Iterable[UserSession] = ()) -> None:
        super().__init__(data, initial={"device": "all"})
        shown = [(str(one.pk), f"{one.ip} · {one.user_agent[:90]}") for one in devices]
        field = self.fields["device"]
        field.choices = [("all", gettext_lazy("The whole sign-in, everywhere")), *shown]  # type: ignore[attr-defined]


class LiftForm(forms.Form):
    """Why a sign-in opens again."""

    note = forms.CharField(
        label=gettext_lazy("Why it can sign in again"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("Write down why it ends.")},
    )
