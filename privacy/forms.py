"""Forms of the privacy desk."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


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
