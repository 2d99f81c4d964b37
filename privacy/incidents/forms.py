"""Forms of the public: a report, a child's report, a complaint, a printed copy, the receipt code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.agreements.models import PolicyKind
from portal.dates import DayField, today
from portal.guards import FormKeyField
from privacy.incidents.codes import LENGTH, code_read
from privacy.incidents.report_models import Channel, ReportKind
from privacy.incidents.services.reports import Told

WORDS_MAX, REACH_MAX = 6000, 500


class PublicReportForm(forms.Form):
    """A report with or without a name. ``kind`` is the page's; ``signed_in`` offers to send it under one's name."""

    kind = ReportKind.CONCERN
    form_key = FormKeyField()
    words = forms.CharField(
        label=_("What happened?"), max_length=WORDS_MAX, widget=forms.Textarea(attrs={"rows": 7}),
        help_text=_("When, where, and who was involved, as far as you know. You don’t have to prove anything."),
        error_messages={"required": _("Please say in a few words what happened.")},
    )
    reach = forms.CharField(
        label=_("How can we reach you?"), required=False, max_length=REACH_MAX,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("An email address, a phone number or a postal address. Leave it empty to stay unknown."),
    )
    named = forms.BooleanField(label=_("Send it under my name"), required=False)
    agreed = forms.BooleanField(
        label=_("I agree to the privacy policy"), required=False,
        help_text=_("Only needed if you tell us who you are or how to reach you."),
    )

    def __init__(self, data: Any = None, *, signed_in: bool = False) -> None:
        super().__init__(data, auto_id="report_%s")
        if not signed_in:
            del self.fields["named"]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        known = values.get("named") or str(values.get("reach", "")).strip()
        if known and not values.get("agreed"):
            self.add_error("agreed", _("Tick this box. Or stay unknown: leave out your name and how to reach you."))
        return values

    @property
    def told(self) -> Told:
        """What the report says."""
        values = self.cleaned_data
        return Told(
            kind=self.kind, words=self.said(values), reach=values.get("reach", ""),
            child_name=values.get("child_name", ""), child_born=values.get("child_born"),
            child_email=values.get("child_email", ""), named=bool(values.get("named")),
        )

    def said(self, values: dict[str, Any]) -> str:
        return str(values["words"])


class ChildReportForm(PublicReportForm):
    """A parent or guardian reports that a child's information reached us without their yes (P48)."""

    kind = ReportKind.CHILD
    child_name = forms.CharField(
        label=_("The child’s name"), required=False, max_length=200,
        help_text=_("With the name and the birth date we can stop the use of the information at once."),
    )
    child_born = DayField(
        label=_("The child’s birth date"), required=False, past=True,
        error_messages={"invalid": _("Write the day like 2014-03-31.")},
    )
    child_email = forms.EmailField(
        label=_("An email address that the child may have used"), required=False, max_length=254,
        error_messages={"invalid": _("This is not an email address.")},
    )
    field_order = ("form_key", "child_name", "child_born", "child_email", "words", "reach", "named", "agreed")


class ComplaintForm(PublicReportForm):
    """A complaint about how the clinic handles information (RULES 1.59)."""

    kind = ReportKind.COMPLAINT


class PrintedForm(PublicReportForm):
    """A printed copy of a policy, by post (P50)."""

    kind = ReportKind.PRINTED
    which = forms.MultipleChoiceField(
        label=_("What may we send you?"), choices=PolicyKind.choices, widget=forms.CheckboxSelectMultiple,
        initial=[PolicyKind.NOTICE_OF_PRIVACY_PRACTICES.value],
        error_messages={"required": _("Choose at least one text.")},
    )
    field_order = ("form_key", "which", "reach", "agreed")

    def __init__(self, data: Any = None, *, signed_in: bool = False) -> None:
        super().__init__(data, signed_in=False)
        del self.fields["words"]
        reach = self.fields["reach"]
        reach.required = True
        reach.label, reach.help_text = _("Your name and postal address"), _("As it should stand on the envelope.")
        reach.widget = forms.Textarea(attrs={"rows": 4, "autocomplete": "off"})
        reach.error_messages["required"] = _("We need a name and an address to send it to.")
        agreed = self.fields["agreed"]
        agreed.required = True
        agreed.help_text = _("We use your address to send this letter, and for nothing else.")
        agreed.error_messages["required"] = _("Tick this box, so that we may use your address.")

    def said(self, values: dict[str, Any]) -> str:
        labels = dict(PolicyKind.choices)
        return "\n".join(str(labels[code]) for code in values["which"])


class CodeForm(forms.Form):
    """Looking up a report by its receipt code."""

    code = forms.CharField(
        label=_("Receipt code"), max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        help_text=_("Twelve letters and digits, like K7Q2-M4XD-9RTA."),
        error_messages={"required": _("Type the code that you got with your report.")},
    )

    def clean_code(self) -> str:
        code = code_read(self.cleaned_data["code"])
        if len(code) != LENGTH:
            raise forms.ValidationError(_("The code has twelve letters and digits. Please check it."))
        return code


class EnteredForm(forms.Form):
    """Staff enter what came by mail, phone or email."""

    form_key = FormKeyField()
    kind = forms.ChoiceField(label=_("What is it about?"), choices=ReportKind.choices, widget=forms.RadioSelect)
    channel = forms.ChoiceField(
        label=_("How did it come?"), widget=forms.RadioSelect,
        choices=[(one.value, one.label) for one in Channel if one not in (Channel.PORTAL, Channel.LOOK)],
    )
    received_on = DayField(
        label=_("On which day did it come?"), initial=today,
        help_text=_("The day on which anybody here first had it in hand."),
    )
    words = forms.CharField(
        label=_("What the person said"), max_length=WORDS_MAX, widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"required": _("Write down what the person said.")},
    )
    reach = forms.CharField(
        label=_("How to reach the person"), required=False, max_length=REACH_MAX,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    child_name = forms.CharField(label=_("The child’s name"), required=False, max_length=200)
    child_born = DayField(label=_("The child’s birth date"), required=False, past=True)
    child_email = forms.EmailField(label=_("An email address that the child may have used"), required=False)

    @property
    def told(self) -> Told:
        """What was reported."""
        values = self.cleaned_data
        return Told(
            kind=ReportKind(values["kind"]), words=values["words"], reach=values["reach"],
            child_name=values["child_name"], child_born=values["child_born"], child_email=values["child_email"],
        )
