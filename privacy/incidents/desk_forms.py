"""Forms of the officer's desk for incidents."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField, MomentField, clinic_zone, today
from privacy.incidents.letters import LABELS
from privacy.incidents.models import FACTORS, DataKind, DelayKind, ExceptionKind, Level, Outcome
from privacy.incidents.notice_models import PARTS, DutyDone
from privacy.keeping.selectors import person_of

WORDS_MAX = 6000


def _words(label: Any, help_text: Any = "", rows: int = 5, **more: Any) -> forms.CharField:
    more.setdefault("error_messages", {"required": _("This is needed.")})
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, help_text=help_text, max_length=WORDS_MAX, widget=widget, **more)


def _state(**more: Any) -> forms.CharField:
    return forms.CharField(
        label=_("State where they live"), max_length=2, required=False, initial=next(iter(settings.CLINIC_STATES), ""),
        help_text=_("Two letters, like MN. Empty if it is not known."),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "size": 3}), **more,
    )


class StateMixin(forms.Form):
    """A state of two letters in capitals, or nothing."""

    state = _state()

    def clean_state(self) -> str:
        code = str(self.cleaned_data["state"]).strip().upper()
        if code and (len(code) != 2 or not code.isalpha()):
            raise forms.ValidationError(_("Write the state with two letters, like MN."))
        return code


class FactsForm(forms.Form):
    """What happened, when, and what information was in it."""

    summary = _words(_("What happened"), _("Facts only. Only officers read it."))
    happened_on = DayField(
        label=_("Day on which it happened"), help_text=_("Leave it empty if it is not known yet."), required=False,
        past=True,
    )
    data_kinds = forms.MultipleChoiceField(
        label=_("What kinds of information were in it"), choices=DataKind.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class DiscoveryForm(forms.Form):
    """When it was first known, or should have been (RULES 3.4)."""

    discovered_at = MomentField(
        label=_("First known"),
        help_text=_("When anybody here, or who works for us, first knew or should have known. All clocks run from it."),
    )
    reason = _words(_("Why it changes, and how you know"), rows=3)


class OpenForm(FactsForm):
    """Open an incident: the facts, and when it was first known."""

    discovered_at = MomentField(
        label=_("First known"),
        help_text=_("When anybody here, or who works for us, first knew or should have known. All clocks run from it."),
    )


def local_now() -> dt.datetime:
    """Now at the clinic, without seconds, for a form."""
    return dt.datetime.now(clinic_zone()).replace(second=0, microsecond=0)


class JoinForm(forms.Form):
    """Make a report part of an open incident."""

    number = forms.IntegerField(
        label=_("Number of the incident"), min_value=1,
        error_messages={"required": _("Give the number."), "invalid": _("Give the number.")},
    )


class EndForm(forms.Form):
    """Finish a report that is no incident."""

    outcome = _words(_("What you looked at, and what came of it"), _("Kept for six years. Only officers read it."))


class NoteForm(forms.Form):
    """A line of the timeline, or a reason."""

    note = _words(_("Note"), rows=3)


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = _words(_("Why"), rows=3)


class DelayForm(forms.Form):
    """Law enforcement asks to wait (RULES 3.11)."""

    kind = forms.ChoiceField(label=_("How did they ask?"), choices=DelayKind.choices, widget=forms.RadioSelect)
    agency = _words(_("Who asked, and what they said"), _("Agency, name, badge or file number."), rows=3)
    starts_on = DayField(label=_("Asked on"), initial=today, past=True)
    until = DayField(
        label=_("Wait until the end of"), required=False,
        help_text=_("The day that the letter names. By word of mouth: 30 days at most."),
    )


class FindForm(forms.Form):
    """Look for a patient; the words go by POST and are kept nowhere."""

    words = forms.CharField(
        label=_("Name, birth date, phone or record number"), max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "type": "search"}),
        error_messages={"required": _("Type a name or a number.")},
    )


class PersonForm(StateMixin):
    """Add a patient by record number."""

    person = forms.CharField(
        label=_("Record number"), max_length=40, error_messages={"required": _("Give the number.")}
    )
    field_order = ("person", "state")

    def clean_person(self) -> Any:
        found = person_of(self.cleaned_data["person"].strip())
        if found is None:
            raise forms.ValidationError(_("There is no record with this number. Check it sign by sign."))
        return found


class StrangerForm(StateMixin):
    """Somebody without a record."""

    name = forms.CharField(label=_("Name"), max_length=60, error_messages={"required": _("Give the name.")})
    address = _words(
        _("Postal address"), _("Two to five lines. Without one, no letter can go."), rows=3, required=False
    )
    field_order = ("name", "address", "state")


class CountForm(StateMixin):
    """People who are not known one by one."""

    count = forms.IntegerField(
        label=_("How many people"), min_value=1, max_value=10_000_000,
        error_messages={"required": _("Give a number."), "invalid": _("Give a number.")},
    )
    field_order = ("count", "state")


_FACTOR_WORDS = {
    "nature": _("1. What was in it, and how easily people can be told from it"),
    "recipient": _("2. Who used it or got it"),
    "acquired": _("3. Was it really taken or seen?"),
    "mitigation": _("4. What was done to limit the harm"),
}


class AssessmentForm(forms.Form):
    """Four factors, outcome and conclusion (RULES 3.2). A draft may have gaps; signing may not."""

    def __init__(self, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        for factor in FACTORS:
            self.fields[factor] = _words(_FACTOR_WORDS[factor], rows=3, required=False)
            self.fields[f"{factor}_level"] = forms.ChoiceField(
                label=_("What this speaks for"), required=False, widget=forms.RadioSelect,
                choices=[(one.value, _RISK[one]) for one in Level],
            )
        self.fields["outcome"] = forms.ChoiceField(
            label=_("Outcome"), choices=Outcome.choices, required=False, widget=forms.RadioSelect
        )
        self.fields["exception"] = forms.ChoiceField(
            label=_("If an exception: which"), choices=[("", _("None")), *ExceptionKind.choices], required=False,
            widget=forms.RadioSelect,
        )
        self.fields["conclusion"] = _words(_("Conclusion, and why"), required=False)


_RISK = {
    Level.LOW: _("Little risk of harm"), Level.MEDIUM: _("Some risk of harm"), Level.HIGH: _("High risk of harm"),
}


# What ``privacy.incidents.letters.told`` sees to (RULES 3.10).
ADDED = {
    "happened": _("The day it happened and the day we learned of it are added where you do not name them."),
    "contact": _("Phone, mail and address of the clinic are added where they are missing."),
}


class NoticeForm(forms.Form):
    """The five parts of the notice in plain words (RULES 3.10)."""

    def __init__(self, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        for part in PARTS:
            self.fields[part] = _words(LABELS[part], ADDED.get(part, ""), rows=4, required=False)


class RegisterForm(forms.Form):
    """What the register of each patient on the list says."""

    recipient = forms.CharField(
        label=_("Who got it"), max_length=300, help_text=_("The patient reads this in the list of what we gave out."),
        error_messages={"required": _("Say who got it, or that nobody knows.")},
    )
    what = _words(_("What it was"), rows=3)


class HowForm(forms.Form):
    """How somebody was reached whose notice had come back."""

    how = forms.CharField(
        label=_("Reached how, when and by whom"), max_length=500, error_messages={"required": _("Write down how.")}
    )


class ToldForm(forms.Form):
    """Somebody has been told: who, when, and the proof (RULES 3.13)."""

    kind = forms.ChoiceField(label=_("Who was told"), choices=DutyDone.KINDS, widget=forms.RadioSelect)
    done_on = DayField(label=_("On"), initial=today)
    proof = _words(_("Proof"), _("The number of the form, the name of the paper, where the letter lies."), rows=3)
