"""The questionnaire's file and its reader: content of RULES 8, and every way to break it."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from consults.questionnaire import FlagAction, Kind, Question, QuestionnaireError
from consults.questionnaires import FOLDER, load, newest, read
from portal.errors import DomainError

CODES = sorted(file.stem for file in FOLDER.glob("*.toml"))
QUESTIONS = [question for screen in load("acne-1").screens for question in screen.questions]


@pytest.mark.parametrize("code", CODES)
def test_every_questionnaire_that_was_ever_used_can_be_read(code: str) -> None:
    assert load(code).screens and load(code).code == code


@pytest.mark.promise("P08")
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_each_question_says_why_and_whether_it_is_required(question: Question) -> None:
    assert len(question.why) > 20 and isinstance(question.required, bool)
    assert question.text.endswith("?")


def test_it_is_short_enough_for_ten_minutes() -> None:
    acne = newest("acne")
    assert len(acne.path({})) <= 13 and len(acne.screens) <= 16
    assert acne.minutes < 10


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.kind is Kind.MANY], ids=lambda q: q.id)
def test_a_required_list_has_a_way_to_say_none_or_something_to_name(question: Question) -> None:
    assert not question.required or question.exclusive or question.id in ("where", "looks")


@pytest.mark.parametrize(
    ("question", "codes"),
    [("urgent_signs", {"breathing", "fever"}), ("self_harm", {"yes"}), ("state_now", {"elsewhere"})],
)
def test_what_must_stop_stops(question: str, codes: set[str]) -> None:
    for code in codes:
        flags = load("acne-1").raised({question: {code}}, FlagAction.STOP)
        assert [flag.question for flag in flags] == [question]


def test_help_lines_stand_where_the_rules_want_them() -> None:
    flags = {flag.id: flag for flag in load("acne-1").flags}
    assert flags["emergency"].help == ("911",) and flags["self_harm"].help == ("988", "911")
    assert flags["spot"].action is FlagAction.URGENT and flags["elsewhere"].help == ()


def test_pregnancy_mood_and_smoking_are_private() -> None:
    assert {q.id for q in QUESTIONS if q.private} == {"pregnancy", "hormones", "smoking", "burden", "self_harm"}


def test_a_flag_of_a_question_that_is_not_asked_counts_for_nothing() -> None:
    acne = load("acne-1")
    answers = {"pregnancy": {"cannot"}, "smoking": {"yes"}}
    assert not [flag for flag in acne.raised(answers) if flag.id == "smoking"]
    assert [flag for flag in acne.raised({**answers, "pregnancy": {"no"}}) if flag.id == "smoking"]


def content() -> dict[str, Any]:
    return copy.deepcopy(tomllib.loads((FOLDER / "acne-1.toml").read_text()))


BREAKS: dict[str, Any] = {
    "an unknown entry": lambda d: d.update(extra=1),
    "an unknown concern": lambda d: d.update(concern="teeth"),
    "a screen without a question": lambda d: d["screens"][0].update(questions=[]),
    "an id twice": lambda d: d["screens"][1].update(id="urgent"),
    "a question twice": lambda d: d["screens"][1]["questions"][0].update(id="urgent_signs"),
    "a bad id": lambda d: d["screens"][0].update(id="Über"),
    "no reason": lambda d: d["screens"][0]["questions"][0].pop("why"),
    "required not said": lambda d: d["screens"][0]["questions"][0].pop("required"),
    "an unknown kind": lambda d: d["screens"][0]["questions"][0].update(kind="slider"),
    "choices missing": lambda d: d["screens"][0]["questions"][0].update(choices=[]),
    "choices of a text": lambda d: d["screens"][5]["questions"][1].update(choices=[{"code": "a", "label": "A"}]),
    "a number without bounds": lambda d: d["screens"][3]["questions"][1].pop("low"),
    "a text too long": lambda d: d["screens"][0]["questions"][0].update(text="x" * 401),
    "exclusive of one": lambda d: d["screens"][3]["questions"][0]["choices"][0].update(exclusive=True),
    "a condition on a later page": lambda d: d["screens"][0].update(show_if=[{"question": "mood", "is": ["x"]}]),
    "a condition on no code": lambda d: d["screens"][8].update(show_if=[{"question": "medicine", "is": ["nope"]}]),
    "a condition of both kinds": lambda d: d["screens"][8].update(
        show_if=[{"question": "medicine", "is": ["none"], "is_not": ["none"]}]
    ),
    "a flag of no question": lambda d: d["flags"][0].update(question="nothing"),
    "a flag of no code": lambda d: d["flags"][0].update(codes=["nothing"]),
    "a stop without advice": lambda d: d["flags"][0].update(advice=[]),
    "a review without a note": lambda d: d["flags"][-1].pop("note"),
    "an unknown action": lambda d: d["flags"][0].update(action="shrug"),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_a_file_that_breaks_a_rule_is_refused_with_its_place(fault: str) -> None:
    data = content()
    BREAKS[fault](data)
    with pytest.raises(QuestionnaireError, match="acne-1"):
        read("acne-1", data)


@pytest.mark.parametrize("code", ["acne-99", "../settings", "acne", "", "acne-1.toml"])
def test_an_unknown_code_reads_no_file(code: str) -> None:
    with pytest.raises(QuestionnaireError):
        load(code)


def asks(ident: str) -> Question:
    return next(question for question in QUESTIONS if question.id == ident)


@pytest.mark.parametrize(
    ("ident", "raw", "code"),
    [
        ("urgent_signs", [], "answer_missing"),
        ("urgent_signs", ["none", "fever"], "answer_exclusive"),
        ("urgent_signs", ["'; DROP TABLE"], "answer_unknown"),
        ("since", "never", "answer_unknown"),
        ("since", ["weeks", "years"], "answer_unknown"),
        ("since", None, "answer_missing"),
        ("start_age", "abc", "answer_number"),
        ("start_age", "-3", "answer_number"),
        ("start_age", "1e9", "answer_number"),
        ("start_age", "0", "answer_range"),
        ("start_age", "111", "answer_range"),
        ("start_age", "9" * 5000, "answer_number"),
        ("goals", "x" * 2001, "answer_too_long"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_at_its_question(ident: str, raw: Any, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        asks(ident).checked(raw)
    assert (refused.value.code, refused.value.field) == (code, ident)
    assert refused.value.message.endswith((".", "…"))


@pytest.mark.parametrize(
    ("ident", "raw", "kept"),
    [
        ("goals", "  ", None),
        ("start_age", "", None),
        ("start_age", " 14 ", {"number": 14, "unit": "years old"}),
        ("spot", "no", {"codes": ["no"], "labels": ["No"]}),
        ("worse", ["stress", "cycle"], {"codes": ["cycle", "stress"], "labels": ["My period", "Stress"]}),
        ("goals", "Wenn’s geht: weniger. 好的 👩🏽", {"text": "Wenn’s geht: weniger. 好的 👩🏽"}),
    ],
)
def test_answers_are_kept_in_the_record_s_shape(ident: str, raw: Any, kept: Any) -> None:
    assert asks(ident).checked(raw) == kept
