"""What a guardian says with each wish, and what the officer says when a record may be used again."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from privacy.requests.forms import AskForm


class ReviewForm(AskForm):
    """What the guardian wants to see or to have explained."""

    details = forms.CharField(
        label=_("What do you want to see, or to have explained?"), max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}), error_messages={"required": _("Write what you want to see.")},
    )


class StopForm(AskForm):
    """The guardian says that they know what follows."""

    understood = forms.BooleanField(
        label=_("I know that care ends with it"),
        error_messages={"required": _("Tick the box if you want us to stop using the record.")},
    )
    details = forms.CharField(
        label=_("Do you want to tell us why?"), required=False, max_length=2000, widget=forms.Textarea,
        help_text=_("You don’t have to. Only our compliance officer reads it."),
    )


class ChildDeletionForm(StopForm):
    """As for stopping, with what deletion means."""

    understood = forms.BooleanField(
        label=_("I know that this cannot be undone"),
        error_messages={"required": _("Tick the box if you want us to delete the record.")},
    )


class LiftForm(forms.Form):
    """Why the record may be used again."""

    note = forms.CharField(
        label=_("Why may it be used again?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write down why the record may be used again.")},
    )
