"""Forms of corrections: what is wrong, what it should say, whom to tell, and what is said to a "no"."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from records.amendments.models import Telling
from records.amendments.parts import Part

LONG = 4000


def part_choices(parts: Iterable[Part]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The parts of a record under their headings."""
    return [(group, [(part.code, part.title) for part in found]) for group, found in groupby(parts, lambda p: p.group)]


class CorrectionForm(forms.Form):
    """What is wrong (RULES 1.20). A reason is asked for, and said so up front."""

    form_key = FormKeyField()
    part = forms.ChoiceField(
        label=_("Which part of your record?"), error_messages={"required": _("Choose the part that is wrong.")}
    )
    words = forms.CharField(
        label=_("What should it say?"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Write what it should say.")},
    )
    reason = forms.CharField(
        label=_("Why is it wrong, or what is missing?"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("We need a reason to decide. Tell us how you know."),
        error_messages={"required": _("Write why it is wrong or what is missing.")},
    )

    def __init__(self, *args: Any, parts: Iterable[Part], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found: list[Any] = [("", _("Choose a part")), *part_choices(parts)]
        cast(forms.ChoiceField, self.fields["part"]).choices = found


class EnteredForm(CorrectionForm):
    """The same, as the officer writes it down for somebody who asked by letter or phone, or for another provider."""

    told_by = forms.CharField(
        label=_("Told by another provider"), required=False, max_length=200,
        help_text=_("Name of the clinic or doctor who amended its own record. Ours must then be amended too."),
    )


class AcceptForm(forms.Form):
    """The correction as it shall stand beside the part, and other parts that it concerns."""

    words = forms.CharField(
        label=_("The correction, as it shall stand in the record"), max_length=LONG,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("It stands beside what is there. Nothing is overwritten."),
        error_messages={"required": _("Write the correction as it shall stand in the record.")},
    )
    also = forms.MultipleChoiceField(
        label=_("Other parts that say the same"), required=False, widget=forms.SelectMultiple(attrs={"size": 6}),
    )

    def __init__(self, *args: Any, parts: Iterable[Part] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: list[Any] = part_choices(parts)
        cast(forms.MultipleChoiceField, self.fields["also"]).choices = choices
        if not choices:
            del self.fields["also"]


class StatementForm(forms.Form):
    """The statement of disagreement; its length is the clinic's setting (RULES 1.25)."""

    words = forms.CharField(
        label=_("Why do you disagree?"), widget=forms.Textarea(attrs={"rows": 10}),
        error_messages={"required": _("Write what you want to say.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["words"]
        most = {"most": settings.STATEMENT_MAX_SIGNS}
        field.help_text = _("Up to %(most)d characters, with spaces. It stays with this part of your record.") % most
        field.widget.attrs["maxlength"] = settings.STATEMENT_MAX_SIGNS


class StatementNotedForm(StatementForm):
    """A statement that came by letter or mail, as the officer copies it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].label = _("Their statement, word for word")
        self.fields["words"].widget.attrs["rows"] = 5


class RebuttalForm(forms.Form):
    """The clinic's answer to a statement; the patient gets a copy of it."""

    words = forms.CharField(
        label=_("The clinic’s answer to the statement"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("You don’t have to. The patient gets a copy, and it stays with the statement."),
        error_messages={"required": _("Write the clinic’s answer.")},
    )


class TellForm(forms.Form):
    """Whom to tell that the record was corrected (RULES 1.23)."""

    people = forms.MultipleChoiceField(
        label=_("Who got the old version from us"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick whom we shall tell."),
    )
    name = forms.CharField(label=_("Somebody else we should tell"), required=False, max_length=200)
    address = forms.CharField(
        label=_("Their address"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("As on an envelope, in two to five lines."),
    )

    def __init__(self, *args: Any, tellings: Iterable[Telling], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        waiting = [row for row in tellings if row.told_at is None]
        field = cast(forms.MultipleChoiceField, self.fields["people"])
        field.choices = [(str(row.pk), row.name) for row in waiting]
        field.initial = [str(row.pk) for row in waiting if row.agreed]
        if not waiting:
            del self.fields["people"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("name") and len([line for line in str(data.get("address")).splitlines() if line.strip()]) < 2:
            self.add_error("address", _("Give the address in two to five lines of an envelope."))
        return data


class AddressForm(forms.Form):
    """Where a letter to somebody who got the old version goes."""

    address = forms.CharField(label=_("Address"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}))


class InboundForm(forms.Form):
    """Another provider told the clinic of an amendment (RULES 1.27)."""

    form_key = FormKeyField()
    patient_number = forms.CharField(label=_("Patient number"), max_length=20, widget=forms.TextInput(
        attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
    ))
    provider = forms.CharField(label=_("Who told you?"), max_length=200, help_text=_("The clinic or doctor by name."))
    told = forms.CharField(
        label=_("What did they amend?"), max_length=LONG, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("In their words. It becomes a task on the desk; it cannot be refused."),
    )
