"""Forms of requests: what a person asks, what the officer writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from privacy.requests.registry import Ground

NOTE_MAX = 2000
LETTER_MAX = 6000


class AskForm(forms.Form):
    """The base of every form on an ask page: one press is one request.

    ``details`` becomes the request's words; every other field is kept, encrypted, among its particulars.
    """

    form_key = FormKeyField()


class CopyForm(AskForm):
    """One press, one copy."""


class DeletionForm(AskForm):
    """The patient says that they know what follows."""

    understood = forms.BooleanField(
        label=_("I know that this cannot be undone"),
        error_messages={"required": _("Tick the box if you want us to delete your record.")},
    )
    note = forms.CharField(
        label=_("Do you want to tell us why?"), required=False, max_length=NOTE_MAX,
        help_text=_("You don’t have to. Only our compliance officer reads it."), widget=forms.Textarea,
    )


class DenialForm(forms.Form):
    """Ground and letter of a refusal (P37). The grounds are those of the kind."""

    ground = forms.ChoiceField(label=_("Ground"))
    letter = forms.CharField(
        label=_("Letter to the patient"), max_length=LETTER_MAX, widget=forms.Textarea,
        help_text=_("Plain words: why, what you keep and until when, how to ask for a review, how to complain."),
        error_messages={"required": _("Write the patient a letter that says why.")},
    )

    def __init__(self, *args: Any, grounds: Iterable[Ground] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["ground"])
        field.choices = [(ground.code, ground.label) for ground in grounds]
