"""Forms of refusing, asking for a review, and deciding one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.selectors import display_names, staff_of
from portal.permissions import Role
from privacy.denials.grounds import BY_KIND
from privacy.denials.models import ReviewDecision
from privacy.denials.services import No
from records.amendments.parts import Part

LONG = 4000


class RefusalForm(forms.Form):
    """Why, and what is left out. The letter writes the rest of what the law wants in it."""

    ground = forms.ChoiceField(
        label=_("Ground"), widget=forms.RadioSelect, error_messages={"required": _("Choose one of the listed grounds.")}
    )
    explain = forms.CharField(
        label=_("In your own words"), required=False, max_length=LONG, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Plain words, as you would say it to the patient. The letter adds how to get a review, how to "
                    "disagree and how to complain."),
    )
    withheld = forms.CharField(
        label=_("What exactly is left out"), required=False, max_length=LONG, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Fill this in when only a part is refused. Everything else is then given."),
    )
    parts = forms.MultipleChoiceField(
        label=_("Parts that a copy leaves out"), required=False, widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=_("They are left out of the portal and of every later copy too, until a review takes this back."),
    )
    where_else = forms.CharField(
        label=_("Where else the patient can ask"), required=False, max_length=300,
        help_text=_("If you know who has it."),
    )
    judged_by = forms.ChoiceField(label=_("Judged by"), required=False)
    license = forms.CharField(label=_("License number of who judged it"), required=False, max_length=60)

    def __init__(self, *args: Any, kind: str, parts: Iterable[Part] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(group, [(str(part.id), part.title) for part in found])
                   for group, found in groupby(parts, lambda part: part.group)]
        cast(forms.MultipleChoiceField, self.fields["parts"]).choices = cast(Any, choices)
        if not choices:
            del self.fields["parts"]
        grounds = BY_KIND.get(kind, ())
        cast(forms.ChoiceField, self.fields["ground"]).choices = [(one.code, one.label) for one in grounds]
        if not any(one.judged for one in grounds):
            del self.fields["judged_by"], self.fields["license"]
            return
        names = display_names(staff_of(Role.CLINICIAN))
        cast(forms.ChoiceField, self.fields["judged_by"]).choices = [
            ("", _("Nobody had to")), *((str(pk), name) for pk, name in names.items()),
        ]

    @property
    def no(self) -> No:
        """What was filled in."""
        data = self.cleaned_data
        judge = data.get("judged_by")
        return No(
            ground=data["ground"], explain=data["explain"], withheld=data["withheld"], where_else=data["where_else"],
            judged_by=UUID(judge) if judge else None, license=data.get("license", ""),
            parts=tuple(UUID(part) for part in data.get("parts", [])),
        )


class ReviewAskForm(forms.Form):
    """Asking for a second look. Saying more is a choice."""

    words = forms.CharField(
        label=_("Is there something the other person should know?"), required=False, max_length=LONG,
        widget=forms.Textarea(attrs={"rows": 5}), help_text=_("You don’t have to write anything."),
    )


class ReviewDecisionForm(forms.Form):
    """What the reviewer found."""

    decision = forms.ChoiceField(
        label=_("What do you find?"), choices=ReviewDecision.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the two.")},
    )
    reason = forms.CharField(
        label=_("Why"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The patient reads this. Plain words: what you looked at, and what follows from it."),
        error_messages={"required": _("Write what you looked at and why you decide so.")},
    )
    license = forms.CharField(
        label=_("Your license number"), max_length=60, error_messages={"required": _("Give your license number.")}
    )
