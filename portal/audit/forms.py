"""The form by which the officer signs that a month of the log was gone through."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.audit.models import LogReview


class LogReviewForm(forms.Form):
    """What was found in the log of one month."""

    finding = forms.ChoiceField(
        label=_("What was found"), choices=LogReview.Finding.choices, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("In your words"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What you looked at, what you found, and what was done about it. It cannot be changed later."),
        error_messages={"required": _("Write what you looked at and what you found.")},
    )
