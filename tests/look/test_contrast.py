"""The colours of the tokens can be read, in light and in dark (RULES 6.10)."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders

GROUNDS = ("paper", "card", "tint", "warm-tint", "alert-tint", "sun", "moon")
WORDS = [
    *(("ink", ground) for ground in GROUNDS),
    *(("ink-soft", ground) for ground in GROUNDS),
    *(("lead", ground) for ground in GROUNDS),
    ("lead-strong", "tint"), ("on-lead", "lead"), ("on-lead", "lead-strong"), ("paper", "alert"),
    ("warm", "paper"), ("warm", "card"), ("warm", "warm-tint"), ("good", "card"), ("good", "paper"),
    ("alert", "card"), ("alert", "paper"), ("alert", "alert-tint"), ("card", "alert"),
]
EDGES = [("edge", "paper"), ("edge", "card"), ("warm", "tint")]


def _tokens() -> dict[str, tuple[str, str]]:
    found = finders.find("portal/portal.css")
    assert isinstance(found, str)
    with open(found, encoding="utf-8") as file:
        pairs = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", file.read())
    return {name: (light, dark) for name, light, dark in pairs}


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), WORDS)
def test_words_stand_out_from_their_ground(front: str, ground: str, scheme: int) -> None:
    tokens = _tokens()
    assert _contrast(tokens[front][scheme], tokens[ground][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), EDGES)
def test_borders_of_controls_and_the_focus_ring_stand_out(front: str, ground: str, scheme: int) -> None:
    tokens = _tokens()
    assert _contrast(tokens[front][scheme], tokens[ground][scheme]) >= 3
