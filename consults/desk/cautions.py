"""What a plan must not overlook: the patient's own answers against the words of the plan.

The rules are content (``cautions.toml``), for a clinician to confirm; the code only matches
words. A match never blocks: the clinician says "I have seen this" and decides (RULES 8.1-8.11).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).parent / "cautions.toml"


@dataclass(frozen=True)
class Caution:
    """One thing to mind. ``answers`` are codes by question; ``words`` and ``drugs`` beginnings of words."""

    code: str
    title: str
    answers: Mapping[str, frozenset[str]]
    words: tuple[str, ...]
    drugs: tuple[str, ...]
    always: bool = False

    def called_for(self, codes: Mapping[str, Collection[str]], own_words: str) -> bool:
        """True when what the patient told us calls for it."""
        chosen = any(not wanted.isdisjoint(codes.get(question, ())) for question, wanted in self.answers.items())
        return self.always or chosen or _has(own_words, self.words)


@lru_cache(maxsize=1)
def cautions() -> dict[str, Caution]:
    """All cautions by code. A broken file raises at once."""
    data = tomllib.loads(FILE.read_text())
    return {
        code: Caution(
            code=code, title=row["title"], words=tuple(row["words"]), drugs=tuple(row["drugs"]),
            answers={question: frozenset(codes) for question, codes in row["answers"].items()},
            always=bool(row.get("always", False)),
        )
        for code, row in data.items()
    }


def dangers(codes: Mapping[str, Collection[str]], own_words: str) -> frozenset[str]:
    """Codes of the cautions that these answers call for.

    ``codes`` are chosen codes by question, ``own_words`` what was written about allergies.
    """
    told = _flat([own_words])
    return frozenset(code for code, caution in cautions().items() if caution.called_for(codes, told))


def conflicts(patient: Collection[str], plan: Iterable[str], *, avoid_if: Collection[str] = ()) -> list[Caution]:
    """Cautions that this plan touches: by its words, or because its template says so."""
    words = _flat(plan)
    return [
        caution for code, caution in cautions().items()
        if code in patient and (code in avoid_if or _has(words, caution.drugs))
    ]


def _flat(parts: Iterable[str]) -> str:
    return " ".join(parts).casefold().replace("_", " ")


def _has(text: str, beginnings: Iterable[str]) -> bool:
    return any(beginning in text for beginning in beginnings)
