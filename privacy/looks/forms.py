"""Forms about looks: the patient's filter and report, the officer's answer and finding."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from privacy.looks.selectors import DEEDS, PEOPLE, LookFilter
from records.emergency.models import ReviewDecision

WORDS_MAX, ANSWER_MAX = 2000, 6000


class LookFilterForm(forms.Form):
    """A form that is sent by GET and kept in the address: it holds no person, only days and codes."""

    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    who = forms.ChoiceField(label=_("Who"), required=False)
    did = forms.ChoiceField(label=_("What"), required=False)
    own = forms.BooleanField(label=_("Show your own looks, too"), required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="look_%s")
        self.fields["who"].choices = [("", _("Everybody")), *PEOPLE.items()]  # type: ignore[attr-defined]
        deeds = [(code, label) for code, (label, _actions) in DEEDS.items()]
        self.fields["did"].choices = [("", _("Everything")), *deeds]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("This day is before the first one."))
        for name in ("since", "until"):
            day = values.get(name)
            if isinstance(day, dt.date) and not 1900 <= day.year <= 9998:
                self.add_error(name, _("Please choose another day."))
        return values

    @property
    def wanted(self) -> LookFilter:
        """What is valid of it; the rest filters nothing."""
        if not self.is_bound:
            return LookFilter()
        self.is_valid()
        return LookFilter(**{name: value for name, value in self.cleaned_data.items() if value})

    @property
    def narrowed(self) -> bool:
        return self.wanted != LookFilter()


class LookReportForm(forms.Form):
    """This looks wrong."""

    form_key = FormKeyField()
    words = forms.CharField(
        label=_("What looks wrong to you?"), max_length=WORDS_MAX, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Only our compliance officer reads it. You don’t have to prove anything."),
        error_messages={"required": _("Please say in a few words what looks wrong.")},
    )


class LookAnswerForm(forms.Form):
    """The officer's answer, which the patient reads in the portal."""

    answer = forms.CharField(
        label=_("Answer to the patient"), max_length=ANSWER_MAX, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Plain words: what you looked at, what you found, what happens now."),
        error_messages={"required": _("Write the patient an answer first.")},
    )


class ReviewForm(forms.Form):
    """What the officer found about an emergency."""

    decision = forms.ChoiceField(
        label=_("Your finding"), choices=ReviewDecision.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the two.")},
    )
    note = forms.CharField(
        label=_("Note"), max_length=ANSWER_MAX, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What you looked at, and why you decide so. It stays with the review."),
        error_messages={"required": _("Write down what you looked at and why you decide so.")},
    )
