"""Forms of the export for a new owner."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class RecipientForm(forms.Form):
    """The new owner's public key, and that somebody has made sure that it is theirs."""

    recipient_key = forms.CharField(
        label=_("The new owner’s public key"), max_length=200,
        help_text=_("It begins with “age1”. They make it with the program age, and keep the private half."),
        error_messages={"required": _("Give the new owner’s public key.")},
    )
    sure = forms.BooleanField(
        label=_("I heard this key from the new owner themselves, and compared it"),
        error_messages={
            "required": _("Compare the key with the new owner first: whoever has the other half can read all.")
        },
    )


class PassedForm(forms.Form):
    """That the parts are with the new owner, who could open them."""

    sure = forms.BooleanField(
        label=_("The new owner has all parts and has opened them"),
        error_messages={"required": _("Tick the box once the new owner has opened them: then they are removed here.")},
    )
