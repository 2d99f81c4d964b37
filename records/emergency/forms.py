"""The form with which a clinician opens a record in an emergency."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
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
