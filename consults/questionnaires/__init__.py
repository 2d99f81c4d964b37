"""Reads a questionnaire file (the TOML beside this module) and refuses one that breaks a rule.

How to write one: ``[[screens]]`` with ``[[screens.questions]]`` and ``[[screens.questions.choices]]``,
then ``[[flags]]``. Every question says whether it is required and why it is asked (P08); every
condition and flag names a question and codes that exist; a condition looks back, never ahead.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from consults.questionnaire import (
    IDENT,
    Choice,
    Condition,
    Flag,
    FlagAction,
    Kind,
    Question,
    Questionnaire,
    QuestionnaireError,
    Screen,
    state_choices,
)
from records.models import Concern

FOLDER = Path(__file__).parent
NEWEST = {"acne": "acne-1"}
YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))
QUESTION_TEXT_MAX = 400  # as long as the record keeps it
_SCREEN = {"id", "part", "title", "questions", "show_if"}
_QUESTION = {
    "id", "text", "short", "kind", "required", "why", "help", "unit", "low", "high", "private", "choices",
    "choices_from", "show_if",
}
_FLAG = {"id", "question", "codes", "action", "title", "advice", "help", "note"}


@lru_cache(maxsize=32)
def load(code: str) -> Questionnaire:
    """The questionnaire of this code. Raises ``QuestionnaireError`` for an unknown or broken one."""
    file = FOLDER / f"{code}.toml"
    if not re.fullmatch(r"[a-z]+-[0-9]{1,4}", code) or not file.is_file():
        raise QuestionnaireError(f"no questionnaire {code!r}")
    return read(code, tomllib.loads(file.read_text()))


def newest(concern: str) -> Questionnaire:
    """The version that a new consult about this concern is pinned to."""
    return load(NEWEST[concern])


def read(code: str, data: Mapping[str, Any]) -> Questionnaire:
    """A checked questionnaire from the content of its file. Raises ``QuestionnaireError``."""
    _only(data, {"concern", "title", "minutes", "screens", "flags"}, code)
    if data.get("concern") not in Concern.values:
        raise QuestionnaireError(f"{code}: concern is none of {Concern.values}")
    screens = tuple(_screen(row, f"{code}, screen {number}") for number, row in enumerate(data["screens"], 1))
    questions = [question for screen in screens for question in screen.questions]
    _once([screen.id for screen in screens], code)
    _once([question.id for question in questions], code)
    _check_conditions(screens, code)
    flags = tuple(_flag(row, {question.id: question for question in questions}, code) for row in data.get("flags", ()))
    _once([flag.id for flag in flags], code)
    return Questionnaire(
        code=code, concern=data["concern"], title=_text(data, "title", code), minutes=int(data["minutes"]),
        screens=screens, flags=flags,
        positions={question.id: place for place, question in enumerate(questions, 1)},
    )


def _screen(row: Mapping[str, Any], place: str) -> Screen:
    _only(row, _SCREEN, place)
    ident = _ident(row, place)
    questions = tuple(_question(question, f"{place} ({ident})") for question in row.get("questions", ()))
    if not questions:
        raise QuestionnaireError(f"{place}: a screen without a question")
    return Screen(
        id=ident, part=_text(row, "part", place), title=str(row.get("title", "")), questions=questions,
        show_if=_conditions(row, place),
    )


def _question(row: Mapping[str, Any], place: str) -> Question:
    _only(row, _QUESTION, place)
    ident = _ident(row, place)
    place = f"{place}, question {ident}"
    kind = _one_of(Kind, row.get("kind"), place)
    text = _text(row, "text", place)
    if not isinstance(row.get("required"), bool):
        raise QuestionnaireError(f"{place}: say required = true or false (P08)")
    if len(text) > QUESTION_TEXT_MAX:
        raise QuestionnaireError(f"{place}: the text is longer than {QUESTION_TEXT_MAX} letters")
    if kind is Kind.NUMBER and not 0 <= row.get("low", -1) < row.get("high", -1):
        raise QuestionnaireError(f"{place}: a number needs low and high")
    return Question(
        id=ident, text=text, kind=kind, required=row["required"], why=_text(row, "why", place),
        help=str(row.get("help", "")), short=str(row.get("short", "")), unit=str(row.get("unit", "")),
        low=int(row.get("low", 0)), high=int(row.get("high", 0)), private=bool(row.get("private", False)),
        choices=_choices(row, kind, place), show_if=_conditions(row, place),
    )


def _choices(row: Mapping[str, Any], kind: Kind, place: str) -> tuple[Choice, ...]:
    if row.get("choices_from") == "clinic_states":
        return state_choices()
    if kind is Kind.YES_NO:
        return YES_NO
    made = []
    for choice in row.get("choices", ()):
        _only(choice, {"code", "label", "hint", "exclusive"}, place)
        code = _ident({"id": choice.get("code")}, place)
        made.append(
            Choice(code, _text(choice, "label", place), str(choice.get("hint", "")), bool(choice.get("exclusive")))
        )
    if kind.has_choices != bool(made):
        raise QuestionnaireError(f"{place}: {kind.value} and its choices do not fit")
    if kind is not Kind.MANY and any(choice.exclusive for choice in made):
        raise QuestionnaireError(f"{place}: only one answer can be chosen, so exclusive means nothing")
    _once([choice.code for choice in made], place)
    return tuple(made)


def _conditions(row: Mapping[str, Any], place: str) -> tuple[Condition, ...]:
    found = []
    for condition in row.get("show_if", ()):
        _only(condition, {"question", "is", "is_not"}, place)
        if ("is" in condition) == ("is_not" in condition):
            raise QuestionnaireError(f"{place}: a condition has either is or is_not")
        codes = condition.get("is", condition.get("is_not"))
        found.append(Condition(str(condition.get("question")), frozenset(codes), unless="is_not" in condition))
    return tuple(found)


def _check_conditions(screens: tuple[Screen, ...], code: str) -> None:
    """A condition may look at earlier screens only: what is on one page is asked at once."""
    earlier: dict[str, Question] = {}
    for screen in screens:
        for condition in (*screen.show_if, *(c for question in screen.questions for c in question.show_if)):
            _known(condition.question, condition.codes, earlier, f"{code}, screen {screen.id}")
        earlier.update({question.id: question for question in screen.questions})


def _flag(row: Mapping[str, Any], questions: Mapping[str, Question], code: str) -> Flag:
    place = f"{code}, flag {row.get('id')}"
    _only(row, _FLAG, place)
    codes = frozenset(row.get("codes", ()))
    _known(str(row.get("question")), codes, questions, place)
    action = _one_of(FlagAction, row.get("action"), place)
    advice = tuple(str(words) for words in row.get("advice", ()))
    if action is not FlagAction.REVIEW and not advice:
        raise QuestionnaireError(f"{place}: {action.value} needs advice for the patient")
    if action is FlagAction.REVIEW and not row.get("note"):
        raise QuestionnaireError(f"{place}: review needs a note for the clinician")
    return Flag(
        id=_ident(row, place), question=str(row["question"]), codes=codes, action=action,
        title=_text(row, "title", place), advice=advice, help=tuple(row.get("help", ())), note=str(row.get("note", "")),
    )


def _known(ident: str, codes: frozenset[str], questions: Mapping[str, Question], place: str) -> None:
    question = questions.get(ident)
    if question is None:
        raise QuestionnaireError(f"{place}: {ident!r} is not an earlier question")
    unknown = codes - {choice.code for choice in question.choices}
    if unknown or not codes:
        raise QuestionnaireError(f"{place}: {ident} has no answers {sorted(unknown)}")


def _one_of(kinds: Any, value: Any, place: str) -> Any:
    try:
        return kinds(value)
    except ValueError:
        raise QuestionnaireError(f"{place}: {value!r} is none of {[kind.value for kind in kinds]}") from None


def _ident(row: Mapping[str, Any], place: str) -> str:
    ident = row.get("id")
    if not isinstance(ident, str) or not IDENT.fullmatch(ident):
        raise QuestionnaireError(f"{place}: {ident!r} is no id")
    return ident


def _text(row: Mapping[str, Any], name: str, place: str) -> str:
    text = row.get(name)
    if not isinstance(text, str) or not text.strip():
        raise QuestionnaireError(f"{place}: {name} is missing")
    return text.strip()


def _only(row: Mapping[str, Any], names: set[str], place: str) -> None:
    unknown = set(row) - names
    if unknown:
        raise QuestionnaireError(f"{place}: unknown entries {sorted(unknown)}")


def _once(idents: list[str], place: str) -> None:
    twice = {ident for ident in idents if idents.count(ident) > 1}
    if twice:
        raise QuestionnaireError(f"{place}: used twice: {sorted(twice)}")
