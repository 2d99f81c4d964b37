"""What staff type to find a patient."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class FindForm(forms.Form):
    """One line for everything. It is sent, never put into an address: addresses are kept in many places."""

    words = forms.CharField(
        label=_("Who are you looking for?"), max_length=200,
        help_text=_("Any of: name, date of birth, phone, address. Or the patient number alone."),
        widget=forms.TextInput(
            attrs={"type": "search", "autocomplete": "off", "spellcheck": "false", "enterkeyhint": "search"}
        ),
    )


class ApartForm(forms.Form):
    """Two patients of whom somebody says that they are two people."""

    one = forms.UUIDField(widget=forms.HiddenInput)
    other = forms.UUIDField(widget=forms.HiddenInput)
    words = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    back = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
