"""Forms of requests: what a person asks, and what the officer writes down that came elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField

NOTE_MAX = 2000
WORDS_MAX = 6000


class AskForm(forms.Form):
    """The base of every form on an ask page: one press is one request.

    ``details`` becomes the request's words; every other field is kept, encrypted, among its particulars.
    """

    form_key = FormKeyField()

    def asked(self) -> dict[str, Any]:
        """As ``request_open`` takes it; after ``is_valid``."""
        told = dict(self.cleaned_data)
        form_key: UUID = told.pop("form_key")
        details = str(told.pop("details", "") or "")
        particulars = {name: str(value) for name, value in told.items() if value not in (None, "", False)}
        return {"form_key": form_key, "details": details, "particulars": particulars}


class CopyForm(AskForm):
    """One press, one copy."""


class DeletionForm(AskForm):
    """The patient says that they know what follows."""

    understood = forms.BooleanField(
        label=_("I know that this cannot be undone"),
        error_messages={"required": _("Tick the box if you want us to delete your record.")},
    )
    note = forms.CharField(
        label=_("Do you want to tell us why?"), required=False, max_length=NOTE_MAX,
        help_text=_("You don’t have to. Only our compliance officer reads it."), widget=forms.Textarea,
    )


class QuestionForm(AskForm):
    """A question to the compliance officer (P50)."""

    details = forms.CharField(
        label=_("Your question"), max_length=WORDS_MAX, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Only our compliance officer reads it. For questions about your skin, write to your clinician."),
        error_messages={"required": _("Write your question first.")},
    )


class ComplaintForm(AskForm):
    """A complaint about how the clinic handles privacy (P51, RULES 1.59)."""

    details = forms.CharField(
        label=_("What happened?"), max_length=WORDS_MAX, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Say what went wrong, and when, as well as you can. Only our compliance officer reads it."),
        error_messages={"required": _("Write what happened first.")},
    )


class NoticeForm(AskForm):
    """Where the printed notice goes (RULES 1.41)."""

    name = forms.CharField(
        label=_("Name on the envelope"), max_length=60, error_messages={"required": _("Write the name.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    address = forms.CharField(
        label=_("Address"), max_length=320, widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
        help_text=_("Line by line, as on an envelope."), error_messages={"required": _("Write the address.")},
    )

    def clean_address(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["address"].splitlines() if line.strip()]
        if not 2 <= len(lines) <= 5 or any(len(line) > 60 for line in lines):
            raise forms.ValidationError(_("Give the address in two to five lines of an envelope."))
        return "\n".join(lines)
