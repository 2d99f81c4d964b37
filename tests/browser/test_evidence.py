"""The search that the journey leans on finds what it should: a net without a mesh too wide."""

from __future__ import annotations

import base64

import pytest

from tests.browser.evidence import where

WORD = "zqxgoalswedding"
ROUND_ABOUT = ["", "a", "ab", "abc", '{"goals": "']


@pytest.mark.parametrize("before", ROUND_ABOUT)
@pytest.mark.parametrize("code", [base64.b64encode, base64.urlsafe_b64encode, bytes])
def test_a_word_is_found_plain_and_inside_base64(before: str, code: type) -> None:
    data = code(f"{before}{WORD} and more".encode())
    assert where([WORD], [("somewhere", b"\x00\x01" + data + b"\xff")]) == [f"{WORD} in somewhere"]


def test_another_word_is_not_found() -> None:
    data = b"zqxgoals " + base64.b64encode(b"a wedding in May, zqxgoals")
    assert where([WORD], [("somewhere", data)]) == []
