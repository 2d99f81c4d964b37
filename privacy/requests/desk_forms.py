"""Forms of the officer's desk: filter, entering what came elsewhere, and one for each deed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField, today
from portal.guards import FormKeyField
from privacy.keeping.selectors import person_of
from privacy.requests.models import Channel, IdentityHow
from privacy.requests.registry import Text, kinds

NOTE_MAX = 2000
LETTER_MAX = 6000
_AREA = forms.Textarea(attrs={"rows": 4})
CAME = [(one.value, one.label) for one in (Channel.MAIL, Channel.PHONE, Channel.EMAIL, Channel.IN_PERSON)]
HOW = [("", _("Not yet"))] + [(one.value, one.label) for one in IdentityHow if one != IdentityHow.PORTAL]
LATE = (("", _("All")), ("late", _("Late")), ("soon", _("Due in a week")))
MINE, NOBODY = "mine", "nobody"


class FilterForm(forms.Form):
    """What the queue shows: kind, who works on it, how near the day is."""

    kind = forms.ChoiceField(label=_("Kind"), required=False)
    owner = forms.ChoiceField(label=_("In the hands of"), required=False)
    late = forms.ChoiceField(label=_("Clock"), required=False, choices=LATE)

    def __init__(self, *args: Any, officers: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(one.kind.value, one.kind.label) for one in kinds()]
        cast(forms.ChoiceField, self.fields["kind"]).choices = [("", _("Every kind")), *known]
        cast(forms.ChoiceField, self.fields["owner"]).choices = [
            ("", _("Anybody")), (MINE, _("Me")), (NOBODY, _("Nobody yet")), *officers,
        ]


class NumberField(forms.CharField):
    """The number of a record as a person copied it; cleaned to the record's id."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        found = person_of(typed)
        if found is None:
            raise forms.ValidationError(_("There is no record with this number."))
        return found


class EnterForm(forms.Form):
    """A request that came by letter, phone, email or in person (P35, RULES 1.6, 1.48)."""

    form_key = FormKeyField()
    kind = forms.ChoiceField(label=_("What is asked for"))
    channel = forms.ChoiceField(label=_("How it came"), choices=CAME)
    received_on = DayField(label=_("The day it came"), help_text=_("The clock starts the day after."))
    number = NumberField(
        label=_("Number of the record"), required=False,
        help_text=_("Look for the person under “Find a patient”. Leave it empty if you do not know yet."),
    )
    portal = forms.BooleanField(
        label=_("This person uses the portal: show it to them there"), required=False, initial=True,
    )
    name = forms.CharField(
        label=_("Name of who asked"), required=False, max_length=60,
        help_text=_("For somebody who does not use the portal: letters go to this name and address."),
    )
    address = forms.CharField(
        label=_("Postal address"), required=False, max_length=320, widget=_AREA,
        help_text=_("Line by line, as on an envelope."),
    )
    phone = forms.CharField(label=_("Phone"), required=False, max_length=40)
    details = forms.CharField(
        label=_("What they asked, in their words"), required=False, max_length=LETTER_MAX, widget=_AREA
    )
    how = forms.ChoiceField(
        label=_("How you made sure who asked"), choices=HOW, required=False,
        help_text=_("Nothing is done before this is known. It can be done later."),
    )
    note = forms.CharField(
        label=_("What you saw or asked"), required=False, max_length=NOTE_MAX, widget=_AREA,
        help_text=_("For example which ID, or which questions. Only compliance officers read it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What only the portal can give is not on the list: a download needs a sign-in.
        known = [(one.kind.value, one.kind.label) for one in kinds()]
        cast(forms.ChoiceField, self.fields["kind"]).choices = known
        self.fields["received_on"].initial = today

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if told.get("how") and not told.get("note", "").strip():
            self.add_error("note", _("Write down what you saw or asked."))
        if not told.get("portal") and not told.get("name"):
            self.add_error("name", _("Write down who asked."))
        if told.get("portal") and not told.get("number") and not told.get("name"):
            self.add_error("number", _("Give the number of the record, or a name and an address."))
        return told


class IdentityForm(forms.Form):
    """How it was made sure who asked (RULES 1.48)."""

    how = forms.ChoiceField(
        label=_("How you made sure"), choices=[("", _("Choose how")), *HOW[1:]],
        error_messages={"required": _("Say how you made sure who asked.")},
    )
    note = forms.CharField(
        label=_("What you saw or asked"), max_length=NOTE_MAX, widget=_AREA,
        error_messages={"required": _("Write down what you saw or asked.")},
    )
    number = NumberField(label=_("Number of the record"), required=False)

    def __init__(self, *args: Any, known: bool = False, **kwargs: Any) -> None:
        """``known``: it stands already whose record it is about."""
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["number"]


class AboutForm(forms.Form):
    """Whose record a request is about that came without it."""

    number = NumberField(label=_("Number of the record"))


class LetterForm(forms.Form):
    """A letter that says why."""

    letter = forms.CharField(
        label=_("Letter"), max_length=LETTER_MAX, widget=_AREA,
        error_messages={"required": _("Write a letter that says why.")},
    )


class ExtendForm(forms.Form):
    """The one extension: why, and until when (RULES 1.3, 1.21, 1.32)."""

    reason = forms.CharField(
        label=_("Why it takes longer"), max_length=NOTE_MAX, widget=_AREA,
        help_text=_("The patient reads it in a letter."),
        error_messages={"required": _("Write the patient why it takes longer.")},
    )
    until = DayField(label=_("The new last day"))


class AnswerForm(forms.Form):
    """The answer in words, and what came of a complaint (P50, RULES 1.59)."""

    outcome = forms.ChoiceField(label=_("What came of it"))
    answer = forms.CharField(
        label=_("Answer"), max_length=LETTER_MAX, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("It stands on the person’s page; a mail says only that it is there."),
        error_messages={"required": _("Write the answer first.")},
    )

    def __init__(self, *args: Any, outcomes: Iterable[tuple[str, Text]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = list(outcomes)
        if listed:
            cast(forms.ChoiceField, self.fields["outcome"]).choices = listed
        else:
            del self.fields["outcome"]


class OwnerForm(forms.Form):
    """To whom the request goes."""

    officer = forms.ChoiceField(label=_("In the hands of"))

    def __init__(self, *args: Any, officers: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["officer"]).choices = list(officers)


