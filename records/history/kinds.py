"""What each section asks for: parts, lengths and choices. Forms, checks and words all come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.history.models import Section

Words = str | Promise
LINE, NOTE, ANSWER = 200, 1000, 4000
NUMBER_SHORTEST, NUMBER_LONGEST = 4, 60


@dataclass(frozen=True)
class Part:
    """One part of an entry. With ``choices`` it is one of those codes, else text of at most ``length``."""

    name: str
    label: Words
    help: Words = ""
    required: bool = False
    length: int = LINE
    lines: bool = False
    choices: Mapping[str, Words] = field(default_factory=dict)
    default: str = ""
    short: Words = ""  # what a list calls it


@dataclass(frozen=True)
class Topic:
    """One question of the health history or the private answers."""

    code: str
    label: Words
    help: Words = ""
    choices: Mapping[str, Words] = field(default_factory=dict)


_NOTE = Part("note", _("Anything else about it"), length=NOTE, lines=True, short=_("Note"))
_SINCE_HELP = _("As well as you know: a year, a month or your age then.")

PARTS: dict[Section, tuple[Part, ...]] = {
    Section.ALLERGIES: (
        Part("substance", _("What are you allergic to?"), _("A medicine, a food, a plant, latex, a plaster …"), True),
        Part(
            "reaction", _("What happens?"), _("For example: hives, swelling, trouble breathing."),
            short=_("Reaction"),
        ),
        Part(
            "severity", _("How bad was it?"), required=True, default="unknown",
            choices={
                "mild": _("Mild: it went away by itself"), "moderate": _("Moderate: I needed medicine or a doctor"),
                "severe": _("Severe: trouble breathing, a hospital or an ambulance"), "unknown": _("I do not know"),
            },
        ),
        _NOTE,
    ),
    Section.MEDICATIONS: (
        Part("name", _("Name of the medicine"), _("As it stands on the box."), True),
        Part(
            "kind", _("How did you get it?"), required=True,
            choices={
                "prescribed": _("A clinician prescribed it"),
                "over_the_counter": _("I bought it without a prescription"),
            },
        ),
        Part("dose", _("Strength"), _("For example: 50 mg, or 2.5 percent."), short=_("Strength")),
        Part(
            "how", _("How do you use it?"), _("For example: one tablet each morning, or a thin layer at night."),
            short=_("Use"),
        ),
        Part("since", _("Since when?"), _SINCE_HELP, short=_("Since")),
        Part(
            "status", _("Do you use it now?"), required=True, default="taking",
            choices={"taking": _("Yes, I use it now"), "stopped": _("No, I stopped")},
        ),
        Part("reason", _("What is it for? If you stopped: why?"), length=NOTE, lines=True, short=_("Why")),
    ),
    Section.CONDITIONS: (
        Part("name", _("What is the condition called?"), _("In your own words, or as a doctor named it."), True),
        Part("since", _("Since when?"), _SINCE_HELP, short=_("Since")),
        Part(
            "status", _("Do you have it now?"), required=True, default="active",
            choices={"active": _("Yes, I have it now"), "past": _("No, it is over")},
        ),
        _NOTE,
    ),
    Section.IDENTIFIERS: (
        Part(
            "kind", _("Which number is it?"), required=True,
            choices={"medical_id": _("Medical ID"), "drivers_license": _("Driver’s license")},
        ),
        Part("issuer", _("Who gave it out?"), _("For example: a state, a country or a health plan."), short=_("From")),
    ),
    Section.HISTORY: (),
    Section.PRIVATE: (),
}

TOPICS: dict[Section, tuple[Topic, ...]] = {
    Section.HISTORY: (
        Topic("illnesses", _("Illnesses you have had"), _("What you had once and what it left behind.")),
        Topic("operations", _("Operations and hospital stays"), _("What was done, and in which year.")),
        Topic("family", _("Illnesses in your family"), _("Skin cancer, bad acne, allergies: who has or had it?")),
        Topic("skin", _("What your skin has been through"), _("Burns, peels, lasers, and what helped or did not.")),
        Topic("sun", _("You and the sun"), _("Do you burn or tan? Do you use sunscreen or tanning beds?")),
        Topic(
            "smoking", _("Smoking and vaping"),
            choices={
                "never": _("Never"), "former": _("I stopped"), "now": _("Yes, now"),
                "unsaid": _("I prefer not to say"),
            },
        ),
    ),
    Section.PRIVATE: (
        Topic(
            "pregnancy", _("Pregnancy and breast-feeding"),
            _("Some skin medicines can harm a baby before or after birth."),
            choices={
                "no": _("No"), "pregnant": _("I am pregnant"), "trying": _("I want to become pregnant"),
                "possible": _("I could be pregnant"), "breast_feeding": _("I am breast-feeding"),
                "cannot": _("I cannot become pregnant"), "unsaid": _("I prefer not to say"),
            },
        ),
        Topic("contraception", _("Birth control"), _("Some birth control helps the skin; some medicines need it.")),
        Topic("sexual_health", _("Sexual health"), _("Only what you want your clinician to know.")),
        Topic("substances", _("Alcohol and drugs"), _("Some skin medicines do not go with them.")),
        Topic("mood", _("Mood"), _("How you have been lately. Some skin medicines can change it.")),
    ),
}
# Chosen codes as a list says them.
SHORT: dict[str, Words] = {
    "mild": _("Mild"), "moderate": _("Moderate"), "severe": _("Severe"), "unknown": _("Not known how bad"),
    "active": _("Now"), "past": _("In the past"), "taking": _("In use"), "stopped": _("Stopped"),
    "prescribed": _("Prescribed"), "over_the_counter": _("Without a prescription"),
    "medical_id": _("Medical ID"), "drivers_license": _("Driver’s license"),
}
# Sections in which "I have none" can be said.
CAN_BE_NONE = frozenset({Section.ALLERGIES, Section.MEDICATIONS, Section.CONDITIONS})
# Sections in which one entry may be kept from a guardian (RULES 1.45).
CAN_BE_PRIVATE = frozenset({Section.ALLERGIES, Section.MEDICATIONS, Section.CONDITIONS})


def topic_of(section: Section, code: str) -> Topic | None:
    """The topic with this code, or None for one that is not asked any more."""
    return next((topic for topic in TOPICS.get(section, ()) if topic.code == code), None)


def choice_words(section: Section, name: str, code: Any) -> str:
    """The label of a chosen code of a part; a code that is not on the list any more stays as it is."""
    part = next((part for part in PARTS[section] if part.name == name), None)
    return str(part.choices.get(str(code), code)) if part else str(code)


def topic_words(section: Section, code: str, value: Mapping[str, Any]) -> str:
    """A topic's answer in words: the chosen answer, then what was written."""
    topic, chosen = topic_of(section, code), str(value.get("choice", ""))
    label = str(topic.choices.get(chosen, chosen)) if topic and chosen else chosen
    return ". ".join(part for part in (label, str(value.get("text", ""))) if part)
