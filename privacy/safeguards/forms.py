"""Forms of the safeguards."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Course
from portal.dates import DayField
from portal.guards import FormKeyField
from privacy.safeguards.models import Choice, Measure, RiskState
from privacy.safeguards.selectors import staff

_LEVELS = ((1, _("1: low")), (2, _("2: middle")), (3, _("3: high")))


class StaffField(forms.TypedChoiceField):
    """One of the active staff, by name and address; the value is the account's id.

    ``stopped``: also somebody who cannot sign in any more.
    """

    def __init__(self, *, stopped: bool = False, **kwargs: Any) -> None:
        super().__init__(choices=partial(_staff_choices, stopped), coerce=UUID, **kwargs)


def _staff_choices(stopped: bool) -> list[tuple[str, str]]:
    people = [
        (str(user.pk), f"{user.display_name or user.email} ({user.get_role_display()})")
        for user in staff(stopped=stopped)
    ]
    return [("", "–"), *people]


class AnalysisForm(forms.Form):
    """A new analysis."""

    scope = forms.CharField(
        label=_("What it looks at"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Which programs, machines, rooms and companies; where health information comes in and goes out."),
        error_messages={"required": _("Write what the analysis looks at.")},
    )


class RiskForm(forms.Form):
    """One risk."""

    form_key = FormKeyField()
    title = forms.CharField(label=_("Name"), max_length=150)
    what = forms.CharField(label=_("What could happen"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    likelihood = forms.TypedChoiceField(label=_("How likely"), choices=_LEVELS, coerce=int)
    impact = forms.TypedChoiceField(label=_("How bad"), choices=_LEVELS, coerce=int)
    measure = forms.CharField(
        label=_("What is done against it"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    owner_id = StaffField(label=_("Who sees to it"))
    due_on = DayField(label=_("By when"))


class RiskStepForm(forms.Form):
    """What became of a risk."""

    state = forms.ChoiceField(label=_("Where it stands now"), choices=RiskState.choices, widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("What was done, or why it is accepted"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )


class DecisionForm(forms.Form):
    """The answer to an addressable item."""

    form_key = FormKeyField()
    choice = forms.ChoiceField(label=_("What we do"), choices=Choice.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("How, what instead, or why not"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )


class SanctionForm(forms.Form):
    """One sanction."""

    form_key = FormKeyField()
    account_id = StaffField(label=_("Who"), stopped=True)
    on = DayField(label=_("Day"))
    what = forms.CharField(
        label=_("What happened"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Without names of patients. It cannot be changed later."),
    )
    measure = forms.ChoiceField(label=_("What followed"), choices=Measure.choices)


class TrainingForm(forms.Form):
    """Somebody has done a course."""

    account_id = StaffField(label=_("Who"))
    course = forms.ChoiceField(label=_("Course"), choices=Course.choices)
    done_on = DayField(label=_("Done on"))


class YearForm(forms.Form):
    """A binder of one year."""

    form_key = FormKeyField()
    year = forms.TypedChoiceField(label=_("Year"), coerce=int)

    def __init__(self, *args: Any, years: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["year"].choices = [(year, str(year)) for year in years]  # type: ignore[attr-defined]
