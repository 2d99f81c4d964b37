"""The clinician's forms: answer, question, decline."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consults.desk.templates_library import PlanTemplate
from portal.guards import FormKeyField

ROWS = 6
LETTER_MAX = 8000
MESSAGE_MAX = 4000


class AnswerForm(forms.Form):
    """Assessment, letter and plan of one consult. Saving keeps a draft; signing checks more."""

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
    weeks = forms.IntegerField(label=_("Weeks until the next look"), min_value=1, max_value=52, initial=8)

    def sign_problems(self) -> dict[str, str]:
        """What is missing before a signature; fields with a sentence each."""
        missing: dict[str, str] = {}
        if not self.cleaned_data.get("diagnosis_text"):
            missing["diagnosis_text"] = str(_("Say what you found before you sign."))
        if not self.cleaned_data.get("letter"):
            missing["letter"] = str(_("Write the patient a few lines before you sign."))
        return missing


class StepForm(forms.Form):
    """One line of the plan; an empty line is left out."""

    what = forms.CharField(label=_("What"), max_length=120, required=False)
    how = forms.CharField(label=_("How"), max_length=300, required=False)
    prescription = forms.BooleanField(label=_("Prescription"), required=False)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("how") and not data.get("what"):
            raise forms.ValidationError(_("Say what to use, or clear the line."))
        return data


StepFormSet = forms.formset_factory(StepForm, extra=0, min_num=ROWS, max_num=12, validate_max=True)


def steps_of(formset: Any) -> list[dict[str, Any]]:
    """The filled lines as the plan keeps them."""
    return [
        {"what": data["what"].strip(), "how": data["how"].strip(), "prescription": bool(data["prescription"])}
        for data in formset.cleaned_data
        if data.get("what")
    ]


def initial_from(template: PlanTemplate) -> dict[str, Any]:
    """A template as the form's first content."""
    return {
        "diagnosis_code": template.diagnosis_code, "diagnosis_text": template.diagnosis_text,
        "letter": template.letter, "warnings": template.warnings, "weeks": template.weeks,
    }


class MessageForm(forms.Form):
    """A message or question to the patient."""

    form_key = FormKeyField()
    body = forms.CharField(
        label=_("Message"), max_length=MESSAGE_MAX, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Write something first.")},
    )


class DeclineForm(forms.Form):
    """Why the clinic cannot help online; the patient reads it and gets the money back."""

    form_key = FormKeyField()
    reason = forms.CharField(
        label=_("What the patient reads"), max_length=MESSAGE_MAX, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Tell the patient why, and where to go.")},
    )
