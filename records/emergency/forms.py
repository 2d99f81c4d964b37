"""The form with which a clinician opens a record in an emergency."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from records.emergency.giving import GiveReason, Part
from records.emergency.models import EmergencyReason
from records.emergency.services import WORDS_LENGTH


class EmergencyForm(forms.Form):
    """Reason, words, and that one knows what follows."""

    form_key = FormKeyField()
    reason = forms.ChoiceField(
        label=_("Why now?"), choices=EmergencyReason.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose the reason that fits best.")},
    )
    words = forms.CharField(
        label=_("What happened?"), max_length=WORDS_LENGTH, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One or two sentences. The compliance officer reads them; the patient reads the reason above."),
        error_messages={"required": _("Say in your own words what happened.")},
    )
    sure = forms.BooleanField(
        label=_("I need this record now. I know that the officer is told at once, and that the patient sees it."),
        error_messages={"required": _("Tick the box to open the record.")},
    )


class GiveForm(forms.Form):
    """To whom, what and why: what goes into the register."""

    form_key = FormKeyField()
    reason = forms.ChoiceField(
        label=_("Why can it not wait?"), choices=GiveReason.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose the reason.")},
    )
    asked_in_vain = forms.BooleanField(
        label=_("The patient’s consent cannot be had in time"), required=False,
        help_text=_("In a medical emergency the law of Minnesota asks for this."),
    )
    parts = forms.MultipleChoiceField(
        label=_("What do you give?"), choices=Part.choices, widget=forms.CheckboxSelectMultiple,
        help_text=_("No more than is needed."), error_messages={"required": _("Choose what you give.")},
    )
    recipient = forms.CharField(
        label=_("To whom?"), max_length=300, help_text=_("Name and place, such as the emergency room of a hospital."),
        error_messages={"required": _("Say who receives it.")},
    )
    recipient_address = forms.CharField(label=_("Phone number or address"), required=False, max_length=300)
    why = forms.CharField(
        label=_("What happened?"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One sentence. The patient can read it."),
        error_messages={"required": _("Say in a sentence why it cannot wait.")},
    )
