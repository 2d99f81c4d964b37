"""Forms of legal holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField
from privacy.keeping.selectors import person_of

WORDS_MAX = 4000
_WORDS = {"required": _("Write down why, and who asked for it.")}


class HoldForm(forms.Form):
    """Whose record is held, why, and when somebody must look again."""

    person = forms.CharField(
        label=_("Record number"), max_length=40,
        help_text=_("The number on top of the record, or the long id in a list of the archive."),
        error_messages={"required": _("Say whose record it is.")},
    )
    reason = forms.CharField(
        label=_("Why, and who asked for it"), max_length=WORDS_MAX, widget=forms.Textarea, error_messages=_WORDS,
        help_text=_("The court or authority, its file number, and what it covers. Only officers read it."),
    )
    review_on = DayField(
        label=_("Look at it again on"),
        help_text=_("The hold does not end by itself: on that day this desk reminds you."),
    )

    def clean_person(self) -> UUID:
        """The record's long id, from either number."""
        found = person_of(self.cleaned_data["person"].strip())
        if found is None:
            raise forms.ValidationError(_("There is no record with this number. Check it sign by sign."))
        return found


class ReleaseForm(forms.Form):
    """Why a hold ends; the box says that what waited goes on."""

    why = forms.CharField(
        label=_("Why it ends, and who said so"), max_length=WORDS_MAX, widget=forms.Textarea,
        error_messages={"required": _("Write down why it ends, and who said so.")},
    )
    sure = forms.BooleanField(
        label=_("I know that a deletion that waits for this goes on at once"),
        error_messages={"required": _("Tick the box if the hold is to end.")},
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned.pop("sure", None)
        return cleaned
