"""Forms of printed copies: what a person asks, what the officer fills in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import today
from portal.errors import DomainError
from privacy.fees.forms import CostForm
from privacy.letters.services import recipient_checked
from privacy.requests.forms import AskForm

WISH_MAX = 1000
_ADDRESS = forms.Textarea(attrs={"rows": 4, "autocomplete": "off"})


class PaperForm(AskForm):
    """A copy on paper for oneself."""

    details = forms.CharField(
        label=_("What should be in it?"), required=False, max_length=WISH_MAX, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Leave it empty for the whole record. Less paper costs less."),
    )
    name = forms.CharField(
        label=_("Name on the envelope"), required=False, max_length=60,
        help_text=_("Only if it should go to another address than the one in your record."),
    )
    address = forms.CharField(
        label=_("Another address"), required=False, max_length=320, widget=_ADDRESS,
        help_text=_("Line by line, as on an envelope. You do not need to say why."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("name") or cleaned.get("address"):
            _check(self, cleaned.get("name", ""), cleaned.get("address", ""), "name", "address")
        return cleaned


class ThirdPartyForm(AskForm):
    """A copy for somebody else: signed, and with the consent that Minnesota wants (RULES 1.9, 4.1)."""

    recipient_name = forms.CharField(
        label=_("Who should get it?"), max_length=60, help_text=_("The full name of the person or the office."),
        error_messages={"required": _("Write who should get it.")},
    )
    recipient_address = forms.CharField(
        label=_("Where do we send it?"), max_length=320, widget=_ADDRESS,
        help_text=_("Line by line, as on an envelope."), error_messages={"required": _("Write the address.")},
    )
    details = forms.CharField(
        label=_("What should be in it?"), required=False, max_length=WISH_MAX, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Leave it empty for the whole record."),
    )
    consent = forms.BooleanField(
        label=_("I want this copy of the health record to be sent to the person above"),
        help_text=_("You can take this back until it is posted. After a year it ends by itself."),
        error_messages={"required": _("Tick the box if we may send it.")},
    )
    signed_name = forms.CharField(
        label=_("Your signature"), max_length=100, help_text=_("Type your full name. Today’s date is added."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Type your full name to sign.")},
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("recipient_name") and cleaned.get("recipient_address"):
            names = ("recipient_name", "recipient_address")
            _check(self, cleaned["recipient_name"], cleaned["recipient_address"], *names)
        cleaned["signed_on"] = today().isoformat()
        return cleaned


def _check(form: forms.Form, name: str, address: str, name_field: str, address_field: str) -> None:
    """A refused recipient is told at its field."""
    try:
        recipient_checked(name, address)
    except DomainError as error:
        form.add_error(name_field if error.field == "name" else address_field, error.message)


class QuoteForm(CostForm):
    """What copying the record took; its pages are counted."""

    appeal = forms.BooleanField(
        label=_("It is for an appeal about disability benefits"), required=False,
        help_text=_("Minnesota then allows $10 at most."),
    )
    current_care = forms.BooleanField(
        label=_("The patient wants it to go over the care they get now"), required=False,
        help_text=_("Minnesota then allows nothing for the patient’s own copy."),
    )
    field_order = ("minutes", "postage", "appeal", "current_care", "waive")
