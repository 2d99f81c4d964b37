"""The patient's forms. Rules of a question stand in the questionnaire; a form only asks and keeps what was typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from consults.questionnaire import Choice, Kind, Question
from portal.accounts.forms import BirthDateField
from portal.errors import DomainError
from portal.guards import FormKeyField

TYPED_MAX = 20_000  # far above any rule, so that the rule's own sentence is the one that is read
MESSAGE_MAX = 5000


@dataclass(frozen=True)
class Row:
    """One question on a page, with its control."""

    question: Question
    field: forms.BoundField


class StepForm(forms.Form):
    """The questions of one screen."""

    def __init__(self, questions: tuple[Question, ...], *args: Any, **kwargs: Any) -> None:
        self.questions = questions
        super().__init__(*args, **kwargs)
        for question in questions:
            self.fields[question.id] = _field(question)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        for question in self.questions:
            if question.id in data:
                try:
                    question.checked(data[question.id])
                except DomainError as error:
                    self.add_error(question.id, error.message)
        return data

    @property
    def rows(self) -> Iterator[Row]:
        return (Row(question, self[question.id]) for question in self.questions)


def initial_of(questions: tuple[Question, ...], values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What was answered before, as the controls show it. ``values`` is kept answers by question."""
    found: dict[str, Any] = {}
    for question in questions:
        value = values.get(question.id)
        if not value:
            continue
        if question.kind is Kind.MANY:
            found[question.id] = value.get("codes", [])
        elif question.kind.has_choices:
            found[question.id] = next(iter(value.get("codes", [])), None)
        else:
            found[question.id] = value.get("text", value.get("number", ""))
    return found


def _field(question: Question) -> forms.Field:
    common: dict[str, Any] = {
        "label": question.text, "help_text": question.help, "required": question.required,
        "error_messages": {
            "required": question.missing_text, "invalid_choice": _("Please choose from the answers on this page."),
            "invalid_list": _("Please choose from the answers on this page."),
        },
    }
    choices = [(choice.code, _label(choice)) for choice in question.choices]
    if question.kind is Kind.MANY:
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
    if question.kind.has_choices:
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
    if question.kind is Kind.TEXT:
        return forms.CharField(max_length=TYPED_MAX, widget=forms.Textarea(attrs={"rows": 4}), **common)
    attrs = {"inputmode": "numeric", "autocomplete": "off", "class": "number"}
    return forms.CharField(max_length=TYPED_MAX, widget=forms.TextInput(attrs=attrs), **common)


def _label(choice: Choice) -> str:
    if not choice.hint:
        return choice.label
    return format_html('{} <span class="hint">({})</span>', choice.label, choice.hint)


def _states() -> list[tuple[str, str]]:
    return [("", str(_("Choose"))), *settings.CLINIC_STATES.items()]


class WelcomeForm(forms.Form):
    """Who the patient is: asked once the address is proven (P06). Either name will do."""

    given_name = forms.CharField(
        label=_("First name"), max_length=TYPED_MAX, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    family_name = forms.CharField(
        label=_("Last name"), max_length=TYPED_MAX, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    birth_date = BirthDateField(label=_("Birth date"))
    state = forms.ChoiceField(
        label=_("State where you live"), choices=_states,
        error_messages={
            "required": _("Please choose the state where you live."),
            "invalid_choice": _("Please choose a state from the list."),
        },
    )
    phone = forms.CharField(
        label=_("Phone number"), max_length=TYPED_MAX, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )

    WHY = {
        "given_name": _("So that we call you by your name. One name is enough."),
        "birth_date": _("Doses and the law depend on the age, and it tells two people of one name apart."),
        "state": _("Our clinicians may only treat people in states where they have a license."),
        "phone": _("Only for when a clinician must reach you fast about your safety. We do not send texts."),
    }

    @property
    def birth_date_value(self) -> dt.date:
        return cast(dt.date, self.cleaned_data["birth_date"])


class StartForm(forms.Form):
    """One press, one draft."""

    form_key = FormKeyField()


class PhotoForm(forms.Form):
    """One photo. Whether it is one is decided by its content, later."""

    form_key = FormKeyField()
    photo = forms.FileField(
        label=_("Photo"), allow_empty_file=True, max_length=None,
        error_messages={
            "required": _("Please take or choose a photo first."),
            "missing": _("Please take or choose a photo first."),
            "invalid": _("The photo did not get through. Please send it again."),
        },
    )


class ConsentForm(forms.Form):
    """What is ticked when sending. None is ticked beforehand; the notice is never a must (P53)."""

    care = forms.BooleanField(
        label=_("Yes, I want a clinician to look at my answers and photos and to answer me online"),
        help_text=_(
            "You may be told to see someone in person instead. You can take this back until a clinician begins."
        ),
        error_messages={"required": _("Please say yes to the consult: without it a clinician may not look.")},
    )
    agreement = forms.BooleanField(
        label=_("I agree to the privacy policy and the terms of service"),
        error_messages={"required": _("Please agree to the privacy policy and the terms. Without it we cannot go on.")},
    )
    notice = forms.BooleanField(
        label=_("I received the notice of privacy practices"), required=False,
        help_text=_("It tells how we use health information and what your rights are. We also mail you the link."),
    )


class MessageForm(forms.Form):
    """A message to the clinic. Too long is said by the record's own rule, and nothing is cut."""

    form_key = FormKeyField()
    body = forms.CharField(
        label=_("Your message"), max_length=TYPED_MAX, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Please write your message first.")},
    )
