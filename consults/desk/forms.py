"""The clinician's forms: answer, question, decline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from consults.desk.templates_library import PlanTemplate, Step, plan_templates
from portal.guards import FormKeyField
from records.vault import AssessmentView, PlanView, StepView

LETTER_MAX = 8000
MESSAGE_MAX = 4000
SHOWN_LINES, MOST_LINES = 4, 12
WORDS = ("diagnosis_code", "diagnosis_text", "note", "letter", "warnings")
PARTS_OF_DAY = ("morning", "evening")


class AnswerForm(forms.Form):
    """Assessment, letter and plan of one consult. Saving keeps a draft; signing checks more.

    ``version`` is the draft's last change as this page knew it: another window's newer draft is
    never overwritten unseen.
    """

    version = forms.CharField(required=False, widget=forms.HiddenInput)
    diagnosis_code = forms.CharField(label=_("Code"), max_length=20, required=False)
    diagnosis_text = forms.CharField(label=_("Assessment"), max_length=300, required=False)
    note = forms.CharField(
        label=_("Note for the record"), max_length=LETTER_MAX, required=False,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=_("The patient can read it in their record."),
    )
    letter = forms.CharField(
        label=_("Letter to the patient"), max_length=LETTER_MAX, required=False,
        widget=forms.Textarea(attrs={"rows": 9}),
    )
    warnings = forms.CharField(
        label=_("When to stop and write to us"), max_length=2000, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    weeks = forms.IntegerField(
        label=_("Weeks until the next look"), min_value=1, max_value=52, initial=8,
        error_messages={
            "required": _("Give a number of weeks."), "invalid": _("Give the weeks as a number."),
            "min_value": _("Give 1 to 52 weeks."), "max_value": _("Give 1 to 52 weeks."),
        },
    )
    looked = forms.BooleanField(label=_("I have looked at all photos and answers."), required=False)
    aware = forms.BooleanField(label=_("I have seen this, and the plan is right all the same."), required=False)

    def require_for_signing(self, *, cautious: bool, steps: bool) -> bool:
        """Add what is missing before a signature as errors; True when nothing is."""
        data = self.cleaned_data
        if not data.get("diagnosis_text"):
            self.add_error("diagnosis_text", _("Say what you found before you sign."))
        if not data.get("letter"):
            self.add_error("letter", _("Write the patient a few lines before you sign."))
        if not steps:
            self.add_error(None, _("Give at least one step for the morning or the evening."))
        if not data.get("looked"):
            self.add_error("looked", _("Tick this once you have looked at them all."))
        if cautious and not data.get("aware"):
            self.add_error("aware", _("Read the warning above the plan. Tick this if the plan is right all the same."))
        return not self.errors


class StepForm(forms.Form):
    """One line of the plan; an empty line is left out."""

    what = forms.CharField(
        label=_("What"), max_length=120, required=False, widget=forms.TextInput(attrs={"placeholder": _("What")})
    )
    how = forms.CharField(
        label=_("How"), max_length=300, required=False, widget=forms.TextInput(attrs={"placeholder": _("How")})
    )
    prescription = forms.BooleanField(label=_("Prescription"), required=False)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if (data.get("how") or data.get("prescription")) and not data.get("what"):
            self.add_error("what", _("Say what to use, or clear the line."))
        return data


StepFormSet = forms.formset_factory(
    StepForm, extra=1, min_num=SHOWN_LINES - 1, max_num=MOST_LINES, validate_max=True, absolute_max=2 * MOST_LINES
)


class AnswerForms:
    """The answer form with the two lists of steps: bound, validated and shown as one."""

    def __init__(self, data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None) -> None:
        start = initial or {}
        self.answer = AnswerForm(data, initial=dict(start))
        self.morning, self.evening = (
            StepFormSet(data, prefix=part, initial=start.get(part, []) if data is None else None)
            for part in PARTS_OF_DAY
        )

    def is_valid(self) -> bool:
        """All three, so that every error is seen at once."""
        return all([self.answer.is_valid(), self.morning.is_valid(), self.evening.is_valid()])

    @property
    def steps(self) -> dict[str, list[dict[str, Any]]]:
        """The filled lines as the plan keeps them."""
        return {"morning": _filled(self.morning), "evening": _filled(self.evening)}

    @property
    def untouched(self) -> bool:
        """Nothing was typed and no draft is kept: not worth a draft."""
        data = self.answer.cleaned_data
        return not data["version"] and not any(data[name] for name in WORDS) and not any(self.steps.values())

    @property
    def words(self) -> list[str]:
        """What the plan says to use, valid or not: for the warnings beside it."""
        found = []
        for formset in (self.morning, self.evening):
            for form in formset.forms:
                found += [str(form[name].value() or "") for name in ("what", "how")]
        return found

    @property
    def any_words(self) -> bool:
        return any(self.words)

    @property
    def line_errors(self) -> bool:
        return any(formset.is_bound and formset.total_error_count() for formset in (self.morning, self.evening))

    def renew(self, version: str) -> None:
        """The page has been told of the newer draft: the next press may put this one in its place."""
        data = cast(QueryDict, self.answer.data).copy()
        data["version"] = version
        self.answer.data = data

    def typed(self) -> dict[str, Any]:
        """Everything as it stands in the form now, to be shown again."""
        values: dict[str, Any] = {name: self.answer[name].value() or "" for name in (*WORDS, "version")}
        values["weeks"] = self.answer["weeks"].value()
        for part, formset in zip(PARTS_OF_DAY, (self.morning, self.evening), strict=True):
            lines = [
                {name: form[name].value() for name in ("what", "how", "prescription")} for form in formset.forms
            ]
            values[part] = [line for line in lines if line["what"] or line["how"]]
        return values


def _filled(formset: Any) -> list[dict[str, Any]]:
    return [
        {"what": data["what"].strip(), "how": data["how"].strip(), "prescription": bool(data["prescription"])}
        for data in formset.cleaned_data
        if data.get("what")
    ]


def lines_of(steps: tuple[Step, ...] | tuple[StepView, ...]) -> list[dict[str, Any]]:
    """Steps as initial lines of the form."""
    return [{"what": step.what, "how": step.how, "prescription": step.prescription} for step in steps]


def initial_from(template: PlanTemplate) -> dict[str, Any]:
    """A template as the form's first content."""
    return {
        "diagnosis_code": template.diagnosis_code, "diagnosis_text": template.diagnosis_text,
        "letter": template.letter, "warnings": template.warnings, "weeks": template.weeks,
        "morning": lines_of(template.morning), "evening": lines_of(template.evening),
    }


def initial_of(assessment: AssessmentView | None, plan: PlanView | None) -> dict[str, Any]:
    """The draft as it is kept."""
    values: dict[str, Any] = {}
    if assessment is not None:
        values |= {name: getattr(assessment, name) for name in ("diagnosis_code", "diagnosis_text", "note")}
    if plan is not None:
        values |= {"letter": plan.letter, "warnings": plan.warnings, "weeks": plan.weeks or 8}
        values |= {"morning": lines_of(plan.morning), "evening": lines_of(plan.evening)}
    return values


def filled_from(template: PlanTemplate, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, with the template where nothing of one's own stands.

    A part that is empty, or still word for word a template's, takes the template's; own words stay.
    """
    fresh = initial_from(template)
    ready = [initial_from(other) for other in plan_templates().values()]
    values = dict(typed)
    for name, new in fresh.items():
        old = _plain(values.get(name))
        if not old or name == "weeks" or any(old == _plain(other[name]) for other in ready):
            values[name] = new
    return values


def _plain(value: Any) -> Any:
    """For comparing: browsers send other line ends, and text and flags in other forms."""
    if isinstance(value, list):
        return [(str(line["what"]), str(line["how"]), bool(line["prescription"])) for line in value]
    return str(value or "").replace("\r\n", "\n").strip()


class MessageForm(forms.Form):
    """A message to the patient; asked as a question, the case waits for the answer.

    Beside an answer form its controls belong to that form, so that a half-written answer is kept
    when a message goes out.
    """

    form_key = FormKeyField()
    body = forms.CharField(
        label=_("Message"), max_length=MESSAGE_MAX, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Write something first.")},
    )

    def place(self, inside: str) -> MessageForm:
        """Put the controls into the form with this id, or (empty) leave them where they stand."""
        for field in self.fields.values():
            if inside:
                field.widget.attrs["form"] = inside
        return self


class DeclineForm(forms.Form):
    """Why the clinic cannot help online; the patient reads it and gets the money back."""

    form_key = FormKeyField()
    reason = forms.CharField(
        label=_("What the patient reads"), max_length=MESSAGE_MAX, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Say why we cannot help online, and where to go instead."),
        error_messages={"required": _("Tell the patient why, and where to go.")},
    )
