"""The form for how to reach a patient."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from records.people.models import Gender
from records.people.services import ADDRESS_PARTS, NAME_LENGTH, PHONE_LENGTH
from records.vault import PatientView

NAMES = ("given_name", "family_name")


class ChangedHere(forms.Form):
    """A form that carries along what it showed: ``changed_data`` is what was changed on that very page.

    A page that was left open in another tab then puts back nothing that was changed meanwhile. A program
    that sends no former values is compared with what stands there now.
    """

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = data is None or self.add_initial_prefix(name) in data


class ContactForm(ChangedHere):
    """Name, gender, phone and address. Which letters a name has is the person's business.

    A value that cannot be read starts empty and, left so, is not saved over.
    """

    given_name = forms.CharField(
        label=_("First name"), required=False, max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    family_name = forms.CharField(
        label=_("Last name"), required=False, max_length=NAME_LENGTH,
        help_text=_("If you have one name, put it in either place."),
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    gender = forms.ChoiceField(
        label=_("Gender"), required=False, choices=[("", _("Not said")), *Gender.choices],
        help_text=_("As you say it. Some skin medicines work by it; your body’s history is asked in a consult."),
        widget=forms.Select(attrs={"autocomplete": "off"}),
        error_messages={"invalid_choice": _("Please choose one of the answers.")},
    )
    phone = forms.CharField(
        label=_("Phone"), required=False, max_length=PHONE_LENGTH,
        help_text=_("We call only if we cannot reach you in the portal."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "type": "tel", "inputmode": "tel"}),
    )
    street = forms.CharField(
        label=_("Street and number"), required=False, max_length=ADDRESS_PARTS["street"],
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    city = forms.CharField(
        label=_("City"), required=False, max_length=ADDRESS_PARTS["city"],
        widget=forms.TextInput(attrs={"autocomplete": "address-level2"}),
    )
    state = forms.CharField(
        label=_("State"), required=False, max_length=ADDRESS_PARTS["state"],
        widget=forms.TextInput(attrs={"autocomplete": "address-level1"}),
    )
    postal_code = forms.CharField(
        label=_("ZIP code"), required=False, max_length=ADDRESS_PARTS["postal_code"],
        widget=forms.TextInput(attrs={"autocomplete": "postal-code", "inputmode": "numeric"}),
    )

    def __init__(self, data: Any = None, *, patient: PatientView) -> None:
        names = (*NAMES, "gender", "phone")
        readable = {name: getattr(patient, name) for name in names if name not in patient.unreadable}
        address = {name: getattr(patient.address, name) for name in ADDRESS_PARTS}
        super().__init__(data, initial={**readable, **address})
        self._address = address

    def changes(self) -> dict[str, Any]:
        """What the person changed, as ``patient_update`` takes it; the rest is left alone."""
        changed = {name: self.cleaned_data[name] for name in (*NAMES, "gender", "phone") if name in self.changed_data}
        if any(name in self.changed_data for name in ADDRESS_PARTS):
            typed = {name: self.cleaned_data[name] for name in ADDRESS_PARTS if name in self.changed_data}
            changed["address"] = self._address | typed
        return changed
