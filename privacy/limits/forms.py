"""Forms of limits on sharing, and of other ways to be reached. The second has no field for a reason, on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from portal.permissions import Purpose
from records.contact.services import Wanted
from records.restrictions.models import RecipientKind

LONG = 2000
_SHARED = (Purpose.CARE, Purpose.OPERATIONS, Purpose.COMMUNICATING)


class RestrictionForm(forms.Form):
    """What shall not be shared, and with whom (RULES 1.36, 1.37)."""

    form_key = FormKeyField()
    what = forms.CharField(
        label=_("What do you not want us to share?"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Write what you do not want us to share.")},
    )
    recipient_kind = forms.ChoiceField(
        label=_("With whom?"), choices=RecipientKind.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose with whom we shall not share it.")},
    )
    recipient = forms.CharField(
        label=_("Their name, if it is about one person or place"), required=False, max_length=200
    )
    purpose = forms.ChoiceField(
        label=_("For what?"), required=False,
        choices=[("", _("For anything")), *((one.value, one.label) for one in _SHARED)],
    )
    paid = forms.ChoiceField(
        label=_("Did you pay for it yourself, in full?"), required=False,
        help_text=_("Then the law makes us keep it from your health plan: we cannot say no."),
    )

    def __init__(self, *args: Any, paid: Iterable[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = list(paid)
        choices: list[Any] = [("", _("It is not about a consult that I paid for")), *((str(pk), t) for pk, t in found)]
        cast(forms.ChoiceField, self.fields["paid"]).choices = choices
        if not found:
            del self.fields["paid"]

    @property
    def paid_encounter(self) -> UUID | None:
        """The chosen consult, where it is a health plan that shall not hear of it."""
        paid = self.cleaned_data.get("paid")
        plan = self.cleaned_data["recipient_kind"] == RecipientKind.HEALTH_PLAN
        return UUID(paid) if paid and plan else None


class ContactForm(forms.Form):
    """How to be reached instead. What is reasonable is done; nobody asks why (RULES 1.38)."""

    form_key = FormKeyField()
    post_only = forms.BooleanField(
        label=_("Send me letters only, no email"), required=False,
        help_text=_("Codes for signing in still come by email: only you ask for those."),
    )
    no_phone = forms.BooleanField(label=_("Do not call me"), required=False)
    no_voicemail = forms.BooleanField(label=_("You can call, but leave no voicemail"), required=False)
    phone = forms.CharField(label=_("Call this number instead"), required=False, max_length=40)
    street = forms.CharField(label=_("Send letters here instead: street"), required=False, max_length=100)
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    state = forms.CharField(label=_("State"), required=False, max_length=2)
    postal_code = forms.CharField(label=_("ZIP code"), required=False, max_length=10)
    payment = forms.CharField(
        label=_("How shall bills reach you?"), required=False, max_length=400,
        help_text=_("Only if that has to change as well."),
    )

    @property
    def wanted(self) -> Wanted:
        """What was chosen."""
        data = self.cleaned_data
        return Wanted(
            post_only=data["post_only"], no_phone=data["no_phone"], no_voicemail=data["no_voicemail"],
            phone=data["phone"], payment=data["payment"],
            address={name: data[name] for name in ("street", "city", "state", "postal_code")},
        )


class OverrideForm(forms.Form):
    """Something has to go out in an emergency although a limit stands (RULES 1.37)."""

    form_key = FormKeyField()
    recipient = forms.CharField(
        label=_("Who got it?"), max_length=200, error_messages={"required": _("Write who got it.")}
    )
    reason = forms.CharField(
        label=_("What was the emergency?"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what the emergency was.")},
    )
    asked_not_to_reuse = forms.BooleanField(
        label=_("I asked them to use it for this emergency only"),
        error_messages={"required": _("Ask them to use it for this emergency only, and tick the box.")},
    )
