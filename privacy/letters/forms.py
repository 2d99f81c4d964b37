"""Forms of the desk of letters."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField, today

NOTE_MAX = 1000


class _DayForm(forms.Form):
    """A day that is not ahead, and a note."""

    on = DayField(label=_("Day"), initial=today)
    note = forms.CharField(
        label=_("Note"), required=False, max_length=NOTE_MAX, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For example the number of a registered letter. Only officers read it."),
    )


class PostedForm(_DayForm):
    """When it was given to the post."""


class ReturnedForm(_DayForm):
    """When the post brought it back, and what stands on it."""


class AddressForm(forms.Form):
    """Where it goes."""

    name = forms.CharField(label=_("Name"), max_length=60, error_messages={"required": _("Write the name.")})
    address = forms.CharField(
        label=_("Address"), max_length=320, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Line by line, as on an envelope."), error_messages={"required": _("Write the address.")},
    )


class SettleForm(forms.Form):
    """How the person was told in another way."""

    note = forms.CharField(
        label=_("How was the person told?"), max_length=NOTE_MAX, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For example: by phone at the number in the record, on which day, by whom."),
        error_messages={"required": _("Write down how the person was told.")},
    )
