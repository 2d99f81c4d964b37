"""Forms of the privacy desk."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from privacy.models import DenialGround

NOTE_MAX = 2000
LETTER_MAX = 6000


class CopyForm(forms.Form):
    """One press, one copy."""

    form_key = FormKeyField()


class DeletionForm(forms.Form):
    """The patient says that they know what follows."""

    form_key = FormKeyField()
    understood = forms.BooleanField(
        label=_("I know that this cannot be undone"),
        error_messages={"required": _("Tick the box if you want us to delete your record.")},
    )
    note = forms.CharField(
        label=_("Do you want to tell us why?"), required=False, max_length=NOTE_MAX,
        help_text=_("You don’t have to. Only our compliance officer reads it."), widget=forms.Textarea,
    )


class DenialForm(forms.Form):
    """Ground and letter of a refusal (P37)."""

    ground = forms.ChoiceField(label=_("Ground"), choices=DenialGround.choices)
    letter = forms.CharField(
        label=_("Letter to the patient"), max_length=LETTER_MAX, widget=forms.Textarea,
        help_text=_("Plain words: why, what you keep and until when, how to ask for a review, how to complain."),
        error_messages={"required": _("Write the patient a letter that says why.")},
    )


class MergeForm(forms.Form):
    """The last question before two records become one for good."""

    reason = forms.CharField(
        label=_("How do you know that this is one person?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Say whom you asked and what agreed. Only the compliance officer reads it."),
        error_messages={"required": _("Write how you know that this is one person.")},
    )
    typed = forms.CharField(
        label=_("Type the number of the record that goes"), max_length=20,
        help_text=_("It stands above, beside the name. There is no way back."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
