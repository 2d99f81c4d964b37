"""Forms of the register of companies."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField
from privacy.vendors.models import NOTICE_DAYS_MOST
from privacy.vendors.services import BYTES_MOST


class VendorForm(forms.Form):
    """One company."""

    name = forms.CharField(label=_("Name"), max_length=200, error_messages={"required": _("Write the company’s name.")})
    code = forms.SlugField(
        label=_("Short name"), max_length=40,
        help_text=_("Small letters and hyphens. The portal asks for it before it hands anything over."),
    )
    gets = forms.CharField(
        label=_("What it gets, and what for"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what it gets and what for.")},
    )
    sees_records = forms.BooleanField(label=_("It can see health information"), required=False, initial=True)
    contact = forms.CharField(
        label=_("Whom to call"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    agreed_on = DayField(
        label=_("Agreement signed on"), required=False,
        help_text=_("Without one in force it must not get health information."),
    )
    ends_on = DayField(label=_("Last day of the agreement"), required=False)
    notice_days = forms.IntegerField(
        label=_("Tells us of a breach within (days)"), min_value=1, max_value=NOTICE_DAYS_MOST, initial=10,
        help_text=_("60 days at most; the agreement should say fewer."),
    )
    reviewed_on = DayField(label=_("Last looked over on"), required=False, past=True)


class ImportForm(forms.Form):
    """The list that a company sent, as a CSV file."""

    file = forms.FileField(
        label=_("The list"),
        help_text=_("A CSV file with the columns record, day, recipient, address, what, purpose, basis."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": _("Please choose a file first.")},
    )


class ImportConfirmForm(forms.Form):
    """The list that was looked at, to be written now."""

    content = forms.CharField(max_length=BYTES_MOST, strip=False, widget=forms.HiddenInput)
