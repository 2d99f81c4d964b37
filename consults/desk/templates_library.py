"""Plans to start from: TOML files beside this module, checked when they are read.

They are content for a clinician to confirm, not medical advice of the software. ``avoid_if``
names words that make the desk warn when the patient's answers hold them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "plan_templates"


@dataclass(frozen=True)
class Step:
    """One line of a plan."""

    what: str
    how: str
    prescription: bool = False


@dataclass(frozen=True)
class PlanTemplate:
    """A plan to start from. ``code`` is the file's name."""

    code: str
    title: str
    diagnosis_code: str
    diagnosis_text: str
    weeks: int
    letter: str
    warnings: str
    avoid_if: tuple[str, ...]
    morning: tuple[Step, ...]
    evening: tuple[Step, ...]


def _steps(rows: list[dict[str, object]]) -> tuple[Step, ...]:
    return tuple(Step(str(row["what"]), str(row["how"]), bool(row.get("prescription", False))) for row in rows)


@lru_cache(maxsize=1)
def plan_templates() -> dict[str, PlanTemplate]:
    """All templates by code, in the order of their titles. A broken file raises at once."""
    found = {}
    for file in FOLDER.glob("*.toml"):
        data = tomllib.loads(file.read_text())
        found[file.stem] = PlanTemplate(
            code=file.stem, title=data["title"], diagnosis_code=data["diagnosis_code"],
            diagnosis_text=data["diagnosis_text"], weeks=int(data["weeks"]), letter=data["letter"].strip(),
            warnings=data["warnings"].strip(), avoid_if=tuple(data["avoid_if"]),
            morning=_steps(data["morning"]), evening=_steps(data["evening"]),
        )
    return dict(sorted(found.items(), key=lambda item: item[1].title))
