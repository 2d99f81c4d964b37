"""The forms with which a person hands in a document, and sets right what it is called."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField
from portal.guards import FormKeyField
from records.documents.models import DocumentKind
from records.documents.services import TITLE_LENGTH
from records.people.forms import ChangedHere

ACCEPTED = ".pdf,image/*,.tif,.tiff,.heic,.heif"


class DocumentWordsForm(forms.Form):
    """What a document is, what to call it, and the day written on it."""

    kind = forms.ChoiceField(label=_("What is it?"), choices=DocumentKind.choices)
    title = forms.CharField(
        label=_("What shall we call it?"), required=False, max_length=TITLE_LENGTH,
        help_text=_("For example: blood test, letter from Dr. Lee."),
    )
    dated = DayField(label=_("The day written on it"), required=False)


class DocumentChangeForm(ChangedHere, DocumentWordsForm):
    """The same, for a document that is there."""

    def changed(self) -> dict[str, Any]:
        """Each value, as it was changed on this page or else as it stands now."""
        here = set(self.changed_data)
        return {name: self.cleaned_data[name] if name in here else self.initial[name] for name in self.fields}


class DocumentForm(DocumentWordsForm):
    """One file, and the same about it. The file's own name is not read."""

    form_key = FormKeyField()
    document = forms.FileField(
        label=_("The document"), help_text=_("A PDF, or a photo or scan of the page."),
        error_messages={
            "required": _("Please choose a file first."), "empty": _("That file is empty. Please choose it again."),
        },
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )
    field_order = ["form_key", "document"]
