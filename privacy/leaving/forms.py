"""What a person who leaves says: that they know what follows, and where letters may go."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from privacy.requests.forms import AskForm


class LeavingForm(AskForm):
    """``needs_address``: the record holds none, so one is asked for: what the law demands goes by post."""

    street = forms.CharField(label=_("Street and number"), max_length=100, required=False)
    city = forms.CharField(label=_("City"), max_length=100, required=False)
    state = forms.CharField(label=_("State"), max_length=2, required=False)
    postal_code = forms.CharField(label=_("ZIP code"), max_length=10, required=False)
    details = forms.CharField(
        label=_("Do you want to tell us why?"), required=False, max_length=2000, widget=forms.Textarea,
        help_text=_("You don’t have to. Only our compliance officer reads it."),
    )
    understood = forms.BooleanField(
        label=_("I know that my account closes for good"),
        error_messages={"required": _("Tick the box if you want to leave.")},
    )

    def __init__(self, *args: Any, needs_address: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("street", "city", "state", "postal_code"):
            if needs_address:
                self.fields[name].required = True
            else:
                del self.fields[name]


class ComeBackForm(forms.Form):
    """The address of somebody who left and wants mail again; the officer has made sure that it is theirs."""

    email = forms.EmailField(label=_("Email address"))
    sure = forms.BooleanField(
        label=_("I made sure that the person wants mail at this address again"),
        error_messages={"required": _("First make sure that it is the person themselves who wants it.")},
    )
