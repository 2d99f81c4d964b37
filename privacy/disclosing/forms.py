"""Forms of the desk of disclosures, and of the patient's pages about them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.dates import DayField
from portal.guards import FormKeyField
from portal.permissions import Purpose
from privacy.disclosing.models import ProcessKind, WithholdingGround
from privacy.keeping.selectors import person_of
from privacy.requests.forms import AskForm
from records.disclosures.models import DisclosureBasis, StatementKind
from records.documents.forms import ACCEPTED
from records.releases.models import ConsentKind

LINE, WORDS = 300, 2000


def _lines(label: Any, *, required: bool = True, help_text: Any = "", missing: Any = "") -> forms.CharField:
    errors = {"required": missing} if missing else {}
    return forms.CharField(
        label=label, required=required, max_length=WORDS, help_text=help_text, error_messages=errors,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _file(label: Any, *, required: bool) -> forms.FileField:
    return forms.FileField(
        label=label, required=required, help_text=_("A PDF, or a photo or scan of the page. Only officers see it."),
        error_messages={"required": _("Please choose a file first.")},
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )


class PersonForm(forms.Form):
    """Whose record."""

    person = forms.CharField(
        label=_("Record number"), max_length=40, help_text=_("The number on top of the record."),
        error_messages={"required": _("Say whose record it is.")},
    )

    def clean_person(self) -> UUID:
        """The record's long id, from either number."""
        found = person_of(self.cleaned_data["person"].strip())
        if found is None:
            raise forms.ValidationError(_("There is no record with this number. Check it sign by sign."))
        return found


class ProcessForm(PersonForm):
    """A paper of a court or an authority."""

    form_key = FormKeyField()
    kind = forms.ChoiceField(label=_("What kind of paper"), choices=ProcessKind.choices)
    received_on = DayField(label=_("The day it came"))
    answer_by = DayField(label=_("To be answered by"), required=False)
    authority = forms.CharField(
        label=_("Who sent it"), max_length=LINE, help_text=_("The court or authority, as it stands on the paper."),
        error_messages={"required": _("Write down which court or authority sent it.")},
    )
    authority_address = forms.CharField(label=_("Its address"), max_length=LINE, required=False)
    case_number = forms.CharField(label=_("Case number"), max_length=LINE, required=False)
    asked = _lines(_("What it asks for"), missing=_("Write down what it asks for."))
    document = _file(_("The paper"), required=False)


class GiveForm(forms.Form):
    """What was given, by which law, and whether the patient is told now."""

    given = _lines(
        _("What was given"), help_text=_("Only what the paper asks for. The patient reads these words."),
        missing=_("Write down what was given."),
    )
    reason = _lines(
        _("Which law or order lets you give it"),
        help_text=_("In Minnesota a law, a court order or the patient’s signed consent. A subpoena alone may not do."),
        missing=_("Write down which law or order lets you give it."),
    )
    on = DayField(label=_("The day it was given"))
    tell = forms.ChoiceField(
        label=_("Tell the patient?"), widget=forms.RadioSelect,
        choices=(("yes", _("Yes, now")), ("no", _("Not now: the law forbids it"))),
        error_messages={"required": _("Say whether the patient is told.")},
    )
    withheld = forms.ChoiceField(
        label=_("What forbids it"), required=False, choices=(("", _("Nothing")), *WithholdingGround.choices),
        help_text=_("Only if the patient is not told now."),
    )
    withheld_words = _lines(_("The law or order, and who signed it"), required=False)
    withheld_until = DayField(
        label=_("The last day on which it is forbidden"), required=False,
        help_text=_("On the day after it the notice goes out by itself. Leave it empty if the paper names no end."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["tell"] = cleaned.get("tell") == "yes"
        return cleaned


class RefuseForm(forms.Form):
    """Why nothing is given."""

    refusal = _lines(_("Why nothing is given"), missing=_("Write down why nothing is given."))


class SuspensionForm(forms.Form):
    """Who asks that the patient is not told, how, and until when (RULES 1.34)."""

    form_key = FormKeyField()
    kind = forms.ChoiceField(label=_("How did they ask?"), choices=StatementKind.choices, widget=forms.RadioSelect)
    agency = forms.CharField(label=_("Which authority"), max_length=LINE)
    official = forms.CharField(label=_("Who asked: name and office"), max_length=LINE)
    statement = _lines(_("What was said, or what the paper says"))
    ends_on = DayField(
        label=_("The last day"), required=False,
        help_text=_("As the paper says. By word of mouth 30 days at most, which is also what an empty field means."),
    )


class DisclosureForm(forms.Form):
    """Something that was given to somebody outside, written down by hand."""

    on = DayField(label=_("The day"))
    recipient = forms.CharField(label=_("Who received it"), max_length=LINE)
    recipient_address = forms.CharField(label=_("Address"), max_length=LINE, required=False)
    what = _lines(_("What was given"), help_text=_("In a few words. The patient reads them."))
    purpose = forms.ChoiceField(label=_("What for"), choices=Purpose.choices)
    basis = forms.ChoiceField(label=_("On what basis"), choices=DisclosureBasis.choices)
    form_key = FormKeyField()


class ConsentForm(forms.Form):
    """A consent that something is released, signed in the portal (RULES 4.1, 4.3)."""

    form_key = FormKeyField()
    kind = forms.ChoiceField(label=_("Who may get it?"), choices=ConsentKind.choices, widget=forms.RadioSelect)
    recipient = forms.CharField(
        label=_("Their name"), max_length=LINE, help_text=_("The clinic, doctor, company or person."),
        error_messages={"required": _("Say who may get it.")},
    )
    what = _lines(
        _("What may we give?"), help_text=_("For example: my whole record, or my plan of this year."),
        missing=_("Say what may be given."),
    )
    expires_on = DayField(
        label=_("The last day"), required=False, help_text=_("Leave it empty and it ends after one year.")
    )
    lasting = forms.BooleanField(
        label=_("It has no end until I take it back (for a doctor or an insurance company only)"), required=False,
    )
    signed_name = forms.CharField(
        label=_("Your full name"), max_length=LINE, help_text=_("Typing it is your signature, dated today."),
        error_messages={"required": _("Type your full name: that is your signature.")},
    )


class PaperConsentForm(ConsentForm):
    """The same from a signed paper, entered by the officer."""

    signed_on = DayField(label=_("Signed on"))
    signed_for = forms.CharField(label=_("Signed for the patient as"), max_length=LINE, required=False)
    field_order = ["form_key", "signed_on", "signed_name", "signed_for"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["signed_name"].label, self.fields["signed_name"].help_text = _("Signed by"), ""
        self.fields["lasting"].label = _("It names no end, and is for a doctor or an insurance company")


class AccountingForm(AskForm):
    """For which days, and whether on paper as well."""

    since = DayField(label=_("From"), required=False, help_text=_("Leave it empty for six years back."))
    until = DayField(label=_("Until"), required=False)
    paper = forms.BooleanField(label=_("Send it by post, too"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day comes before the first."))
        return cleaned


class AssignmentForm(forms.Form):
    """A new owner of the clinic."""

    form_key = FormKeyField()
    acquirer = forms.CharField(label=_("New owner"), max_length=LINE)
    acquirer_address = _lines(_("Address"))
    passes_on = DayField(label=_("The clinic passes on"))
    statute = forms.CharField(
        label=_("Law that lets records pass without each consent"), max_length=200, required=False,
        help_text=_("Leave it empty if there is none: then only records of patients who consented go."),
    )


class UndertakingForm(forms.Form):
    """The new owner's written promise to honor the privacy policy."""

    signed_by = forms.CharField(label=_("Signed by"), max_length=LINE)
    signed_on = DayField(label=_("Signed on"))
    document = _file(_("The signed paper"), required=True)
