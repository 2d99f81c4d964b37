"""The form by which a member of staff says that the log was gone through."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.audit.models import LogReview


class LogReviewForm(forms.Form):
    """Which days were gone through, and whether something was found."""

    first_day = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))
    finding = forms.ChoiceField(
        label=_("What was found"), choices=LogReview.Finding.choices, widget=forms.RadioSelect
    )
