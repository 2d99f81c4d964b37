"""Small things with big weight: cautions, templates, names and times in words."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from consults.desk.cautions import cautions, conflicts, dangers
from consults.desk.templates_library import plan_templates
from consults.questionnaires import load
from consults.templatetags.desk_ui import capped, due, short_name, span_words


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana Okafor", "Ana O."), ("Prince", "Prince"), ("", ""), ("María José Núñez", "María N."),
        ("李 伟", "李 伟."), ("ana van der berg", "ana B."),
    ],
)
def test_a_name_is_shortened_without_losing_who_it_is(name: str, shown: str) -> None:
    assert short_name(name) == shown


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(0, "0 min"), (59, "59 min"), (60, "1 h"), (190, "3 h 10 min"), (24 * 60, "1 day"), (53 * 60 + 59, "2 days 5 h")],
)
def test_a_wait_is_told_in_its_two_largest_units(minutes: int, shown: str) -> None:
    assert span_words(dt.timedelta(minutes=minutes)) == shown


@pytest.mark.parametrize(
    ("hours", "tone", "words"),
    [(-1.5, "pill alert", "late by 1 h 30 min"), (3.1, "pill warm", "in 3 h"), (9, '"pill"', "in 8 h 59 min")],
)
def test_what_is_due_is_calm_then_warm_then_red(hours: float, tone: str, words: str) -> None:
    shown = str(due(timezone.now() + dt.timedelta(hours=hours)))
    assert tone in shown and words in shown
    assert due(None) == ""


def test_a_count_is_exact_up_to_a_hundred() -> None:
    assert (capped(100), capped(101)) == ("100", "100+")


@pytest.mark.parametrize(
    ("codes", "words", "plan", "found"),
    [
        ({"pregnancy": ["not_said"]}, "", ["Tretinoin 0.025% cream"], ["pregnancy"]),
        ({"pregnancy": ["cannot"]}, "", ["Tretinoin 0.025% cream"], []),
        ({"pregnancy": ["no"]}, "", ["Adapalene 0.1% gel"], []),
        ({"allergies": ["sulfa"]}, "", ["Sulfacetamide 10% lotion"], ["sulfa"]),
        ({"allergies": ["other"]}, "A rash from Bactrim years ago", ["SULFACETAMIDE wash"], ["sulfa"]),
        ({"conditions": ["colitis"]}, "", ["Clindamycin 1%"], ["clindamycin"]),
        ({"conditions": ["kidney"]}, "", ["Spironolactone 50 mg"], ["spironolactone"]),
        ({"medicine": ["vitamin_a"]}, "", ["Doxycycline 100 mg"], ["tetracycline"]),
        ({"allergies": ["benzoyl_peroxide"]}, "", ["Azelaic acid 15% gel"], []),
        ({}, "", ["Isotretinoin 20 mg"], ["isotretinoin"]),
        ({}, "", ["Gentle cleanser"], []),
    ],
)
def test_a_plan_is_checked_against_what_the_patient_said(
    codes: dict[str, list[str]], words: str, plan: list[str], found: list[str]
) -> None:
    assert [caution.code for caution in conflicts(dangers(codes, words), plan)] == found


def test_what_was_tried_before_is_no_allergy() -> None:
    assert conflicts(dangers({"tried": ["benzoyl"]}, ""), ["Benzoyl peroxide 5%"]) == []


def test_a_template_warns_by_its_own_list_even_when_no_word_matches() -> None:
    patient = dangers({"pregnancy": ["pregnant"]}, "")
    assert [caution.code for caution in conflicts(patient, ["A cream"], avoid_if=["pregnancy"])] == ["pregnancy"]


def test_every_caution_asks_for_answers_that_the_questionnaire_really_has() -> None:
    questions = {q.id: {c.code for c in q.choices} for s in load("acne-1").screens for q in s.questions}
    for caution in cautions().values():
        for question, codes in caution.answers.items():
            assert codes <= questions[question], caution.code
        assert caution.drugs and all(word == word.casefold() for word in (*caution.words, *caution.drugs))


def test_every_template_is_complete_and_its_warnings_are_known() -> None:
    assert len(plan_templates()) >= 3
    for template in plan_templates().values():
        assert set(template.avoid_if) <= set(cautions()), template.code
        assert template.letter and template.morning and template.evening and 1 <= template.weeks <= 52
        named = {
            caution.code
            for caution in conflicts(set(cautions()), [step.what for step in (*template.morning, *template.evening)])
        }
        assert named & {"pregnancy", "clindamycin", "benzoyl_peroxide"} <= set(template.avoid_if), template.code
