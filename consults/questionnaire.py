"""Questionnaires as data: TOML files beside this module, checked when they are read.

A consult is pinned to the version it began with, so a new version is a new file and old files
stay. A file that breaks a rule raises ``QuestionnaireError`` at once, with the place.

Screens hold questions. A question or a whole screen may be shown only if an earlier screen's
answer holds certain codes. Red flags match codes: ``stop`` ends in advice and never in sending,
``urgent`` shows advice and goes on, ``review`` is for the clinician's eyes (RULES 8).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from portal.errors import DomainError

IDENT = re.compile(r"[a-z][a-z0-9_]{0,39}")
TEXT_MAX = 2000
# The answers that matter to conditions: chosen codes by question id. Texts and numbers have none.
Codes = Mapping[str, Collection[str]]


class QuestionnaireError(ValueError):
    """A questionnaire file breaks a rule. Seen by developers, at start."""


class Kind(StrEnum):
    """How a question is answered."""

    ONE = "one"
    MANY = "many"
    YES_NO = "yes_no"
    TEXT = "text"
    NUMBER = "number"

    @property
    def has_choices(self) -> bool:
        return self in (Kind.ONE, Kind.MANY, Kind.YES_NO)


class FlagAction(StrEnum):
    """What a red flag does."""

    STOP = "stop"
    URGENT = "urgent"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose. ``exclusive``: goes with no other ("none of these")."""

    code: str
    label: str
    hint: str = ""
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """True when the earlier question's answer holds one of the codes (``unless``: none of them)."""

    question: str
    codes: frozenset[str]
    unless: bool = False

    def holds(self, answers: Codes) -> bool:
        chosen = answers.get(self.question)
        if not chosen:
            return False
        return self.codes.isdisjoint(chosen) if self.unless else not self.codes.isdisjoint(chosen)


@dataclass(frozen=True, slots=True)
class Flag:
    """A rule of safety: which codes of which question do what, and the words about it.

    ``help`` lists telephone numbers to show as big buttons ("911", "988"). ``advice`` is for the
    patient, ``note`` for the clinician.
    """

    id: str
    question: str
    codes: frozenset[str]
    action: FlagAction
    title: str
    advice: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    note: str = ""

    def holds(self, answers: Codes) -> bool:
        return not self.codes.isdisjoint(answers.get(self.question, ()))


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``private``: a teen's guardian does not see the answer (RULES 4.14)."""

    id: str
    text: str
    kind: Kind
    required: bool
    why: str
    help: str = ""
    short: str = ""
    unit: str = ""
    low: int = 0
    high: int = 0
    private: bool = False
    choices: tuple[Choice, ...] = ()
    show_if: tuple[Condition, ...] = ()

    @property
    def label(self) -> str:
        """A few words for lists: the review page and the clinician's desk."""
        return self.short or self.text

    @property
    def exclusive(self) -> frozenset[str]:
        return frozenset(choice.code for choice in self.choices if choice.exclusive)

    def shown(self, answers: Codes) -> bool:
        return all(condition.holds(answers) for condition in self.show_if)

    def checked(self, raw: Any) -> dict[str, Any] | None:
        """The answer in the shape that the record keeps, or None where nothing was answered.

        ``raw`` is a list of codes, a text, or a number. Raises ``DomainError`` whose field is
        this question: ``answer_missing``, ``answer_unknown``, ``answer_exclusive``,
        ``answer_too_long``, ``answer_number``, ``answer_range``.
        """
        value = self._of_choices(raw) if self.kind.has_choices else self._of_words(raw)
        if value is None and self.required:
            raise self._refused("answer_missing", self.missing_text)
        return value

    @property
    def missing_text(self) -> str:
        """What to do when nothing was answered."""
        if self.kind is Kind.MANY:
            return _("Please choose at least one answer.")
        if self.kind.has_choices:
            return _("Please choose one answer.")
        return _("Please type a number.") if self.kind is Kind.NUMBER else _("Please write a few words.")

    def _of_choices(self, raw: Any) -> dict[str, Any] | None:
        codes = [raw] if isinstance(raw, str) else list(raw or ())
        chosen = [code for code in codes if code]
        labels = {choice.code: choice.label for choice in self.choices}
        if any(code not in labels for code in chosen) or (self.kind is not Kind.MANY and len(chosen) > 1):
            raise self._refused("answer_unknown", _("Please choose from the answers on this page."))
        if len(chosen) > 1 and self.exclusive.intersection(chosen):
            name = next(choice.label for choice in self.choices if choice.code in self.exclusive.intersection(chosen))
            raise self._refused(
                "answer_exclusive", _("“%(answer)s” does not go with another answer. Please take one of them away.")
                % {"answer": name},
            )
        kept = [choice.code for choice in self.choices if choice.code in chosen]
        return {"codes": kept, "labels": [labels[code] for code in kept]} if kept else None

    def _of_words(self, raw: Any) -> dict[str, Any] | None:
        text = "" if raw is None else str(raw).strip()
        if not text:
            return None
        if self.kind is Kind.TEXT:
            if len(text) > TEXT_MAX:
                raise self._refused(
                    "answer_too_long", _("Please use at most %(most)d letters; this has %(size)d.")
                    % {"most": TEXT_MAX, "size": len(text)},
                )
            return {"text": text}
        if not re.fullmatch(r"[0-9]{1,6}", text):
            words = _("Please type a whole number from %(low)d to %(high)d.") % {"low": self.low, "high": self.high}
            raise self._refused("answer_number", words)
        number = int(text)
        if not self.low <= number <= self.high:
            words = _("Please type a number from %(low)d to %(high)d.") % {"low": self.low, "high": self.high}
            raise self._refused("answer_range", words)
        return {"number": number, "unit": self.unit}

    def _refused(self, code: str, text: str) -> DomainError:
        return DomainError(code, text, self.id)


@dataclass(frozen=True, slots=True)
class Screen:
    """One page of the questionnaire: mostly one question."""

    id: str
    part: str
    questions: tuple[Question, ...]
    title: str = ""
    show_if: tuple[Condition, ...] = ()

    def shown(self, answers: Codes) -> bool:
        return all(condition.holds(answers) for condition in self.show_if) and bool(self.asked(answers))

    def asked(self, answers: Codes) -> tuple[Question, ...]:
        """The questions of this page that are asked, given the answers so far."""
        return tuple(question for question in self.questions if question.shown(answers))


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One version. ``code`` is the file's name and what a consult is pinned to."""

    code: str
    concern: str
    title: str
    minutes: int
    screens: tuple[Screen, ...]
    flags: tuple[Flag, ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict)

    def path(self, answers: Codes) -> tuple[Screen, ...]:
        """The screens that this person sees, in order."""
        return tuple(screen for screen in self.screens if screen.shown(answers))

    def asked(self, answers: Codes) -> tuple[Question, ...]:
        """All questions that this person is asked, in order."""
        return tuple(question for screen in self.path(answers) for question in screen.asked(answers))

    def screen(self, ident: str) -> Screen | None:
        return next((screen for screen in self.screens if screen.id == ident), None)

    def screen_of(self, question_id: str) -> Screen | None:
        return next((s for s in self.screens if any(q.id == question_id for q in s.questions)), None)

    def raised(self, answers: Codes, *actions: FlagAction) -> tuple[Flag, ...]:
        """The flags that these answers raise, of these actions (all when none is named).

        Only questions that are asked count: an answer left over from another path raises none.
        """
        asked = {question.id for question in self.asked(answers)}
        return tuple(
            flag for flag in self.flags
            if flag.question in asked and flag.holds(answers) and (not actions or flag.action in actions)
        )


def codes_of(answers: Iterable[Any]) -> dict[str, frozenset[str]]:
    """Chosen codes by question, from opened answers (``records.vault.AnswerView``)."""
    return {answer.question_id: frozenset(answer.codes) for answer in answers if answer.codes}


def state_choices() -> tuple[Choice, ...]:
    """The states in which the clinic's clinicians may treat, and "somewhere else" (RULES 4.17)."""
    here = tuple(Choice(code.lower(), name) for code, name in settings.CLINIC_STATES.items())
    return (*here, Choice("elsewhere", _("Somewhere else")))
