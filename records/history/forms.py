"""Forms for entries and topics, made from what ``kinds`` says each section asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.guards import FormKeyField
from records.history.checks import missing_words
from records.history.kinds import CAN_BE_PRIVATE, NUMBER_LONGEST, PARTS, TOPICS, Part, Topic
from records.history.models import Section
from records.history.topics import Said

_PLAIN = {"autocomplete": "off"}


class SeenForm(forms.Form):
    """A form that says which version it shows."""

    def see(self, versions: Mapping[str, str]) -> None:
        """From now on the newest versions are shown, beside what was typed: sent again, it is meant."""
        typed = self.data.copy()
        for name, version in versions.items():
            typed[name] = version
        self.data = typed


class EntryForm(SeenForm):
    """One entry. Checks beyond length are the service's, whose sentences land on the fields.

    ``seen`` is the version that is being changed, empty for a new entry.
    """

    def __init__(
        self, section: Section, data: Any = None, *, initial: Mapping[str, Any] | None = None, seen: str = "",
        guarded: bool = False,
    ) -> None:
        super().__init__(data, initial={**dict(initial or {})})
        self.section, self.new = section, not seen
        for part in PARTS[section]:
            self.fields[part.name] = _field(part)
        if section == Section.IDENTIFIERS:
            self.fields["number"] = _number(new=self.new)
        if guarded and section in CAN_BE_PRIVATE:
            self.fields["private"] = forms.BooleanField(
                label=_("Keep this from my parent or guardian"), required=False,
                help_text=_("Your clinicians see it all the same."),
            )
        if self.new:
            self.fields["form_key"] = FormKeyField()
        else:
            self.fields["seen"] = forms.CharField(widget=forms.HiddenInput, initial=seen, required=False)

    @property
    def parts(self) -> dict[str, str]:
        """The parts as the service takes them."""
        return {part.name: str(self.cleaned_data.get(part.name) or "") for part in PARTS[self.section]}

    @property
    def private(self) -> bool | None:
        """What was chosen; None where it was not asked."""
        return bool(self.cleaned_data["private"]) if "private" in self.fields else None


class VersionForm(forms.Form):
    """The version of what is about to be removed."""

    seen = forms.CharField(widget=forms.HiddenInput)


class KeyForm(forms.Form):
    """A deed that needs nothing but its one-use key."""

    form_key = FormKeyField()


@dataclass(frozen=True)
class TopicFields:
    """One topic of the form, with what stands there now where somebody else changed it meanwhile."""

    topic: Topic
    choice: forms.BoundField | None
    text: forms.BoundField
    now: str = ""


class TopicsForm(SeenForm):
    """All topics of a section on one page; a topic that is left as it was is not touched."""

    def __init__(self, section: Section, data: Any = None, *, initial: Mapping[str, Said]) -> None:
        start: dict[str, str] = {}
        for code, said in initial.items():
            start |= {f"{code}-choice": said.choice, f"{code}-text": said.text, f"{code}-seen": said.seen}
        super().__init__(data, initial=start)
        self.section, self.standing = section, dict(initial)
        for topic in TOPICS[section]:
            if topic.choices:
                self.fields[f"{topic.code}-choice"] = forms.ChoiceField(
                    label=topic.label, help_text=topic.help, required=False, widget=forms.RadioSelect,
                    choices=[*topic.choices.items(), ("", _("No answer"))],
                )
            self.fields[f"{topic.code}-text"] = forms.CharField(
                label=_("Anything to add") if topic.choices else topic.label, required=False,
                help_text="" if topic.choices else topic.help, widget=forms.Textarea(attrs={**_PLAIN, "rows": 3}),
            )
            self.fields[f"{topic.code}-seen"] = forms.CharField(widget=forms.HiddenInput, required=False)

    def said(self) -> dict[str, Said]:
        """What was answered, topic by topic."""
        data = self.cleaned_data
        return {
            topic.code: Said(
                data.get(f"{topic.code}-choice", ""), data[f"{topic.code}-text"], data[f"{topic.code}-seen"]
            )
            for topic in TOPICS[self.section]
        }

    def groups(self) -> Iterable[TopicFields]:
        """The topics with their fields, in order."""
        for topic in TOPICS[self.section]:
            choice = self[f"{topic.code}-choice"] if topic.choices else None
            yield TopicFields(topic, choice, self[f"{topic.code}-text"])


def _field(part: Part) -> forms.Field:
    """A part as a control; text is not cut or refused by the browser, so that nothing typed is lost."""
    if part.choices:
        return forms.ChoiceField(
            label=part.label, help_text=part.help, required=part.required, choices=list(part.choices.items()),
            widget=forms.RadioSelect, initial=part.default or None,
            error_messages={
                "required": missing_words(part), "invalid_choice": _("Please choose one of the answers."),
            },
        )
    widget = forms.Textarea(attrs={**_PLAIN, "rows": 3}) if part.lines else forms.TextInput(attrs=_PLAIN)
    return forms.CharField(
        label=part.label, help_text=part.help, required=part.required, widget=widget,
        error_messages={"required": missing_words(part)},
    )


def _number(*, new: bool) -> forms.Field:
    help_text = _("We cover it once it is kept.") if new else _("Leave this empty to keep the number that is there.")
    return forms.CharField(
        label=_("Number"), help_text=help_text, required=new, max_length=NUMBER_LONGEST + 20,
        widget=forms.TextInput(attrs={**_PLAIN, "spellcheck": "false", "autocapitalize": "characters"}),
        error_messages={"required": _("Please give the whole number.")},
    )
