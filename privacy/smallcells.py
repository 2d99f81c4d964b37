"""Small cells: numbers so low that they could point at somebody are not shown (P10, RULES 1.54).

Two ways out of the data set exist, and both come through here: counts in a table, and rows in a
file. ``DEID_SMALL_CELL`` is the lowest number that is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.conf import settings

BANDS = (0, 13, 18, 25, 35, 45, 55, 65, 75, 85)


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of a table. ``count`` is None where it is too low to be told."""

    label: str
    count: int | None


def age_band(age: str) -> str:
    """``25–34`` and the like; the top class stays alone, and an unknown age stays empty."""
    if not age.isdigit():
        return age
    years, top = int(age), settings.DEID_AGE_TOP
    low = max(band for band in BANDS if band <= years)
    following = next((band for band in BANDS if band > years), top)
    return f"{low}–{min(following, top) - 1}"


def cells(counts: Mapping[str, int]) -> list[Cell]:
    """Lines of a table, largest first; low numbers hidden, and never just one of them.

    Where a single number is hidden, the sum of the others would give it away: then the lowest of
    the shown ones is hidden too.
    """
    least = settings.DEID_SMALL_CELL
    hidden = {label for label, count in counts.items() if 0 < count < least}
    shown = sorted((count, label) for label, count in counts.items() if count >= least)
    if len(hidden) == 1 and shown:
        hidden.add(shown[0][1])
    order = sorted(counts, key=lambda label: (label in hidden, -counts[label] if label not in hidden else 0, label))
    return [Cell(label, None if label in hidden else counts[label]) for label in order]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file. ``codes`` are ``question:code`` words."""

    year: int
    state: str
    zip3: str
    age: str
    gender: str
    concern: str
    outcome: str
    diagnosis_code: str
    prescription: bool | None
    codes: tuple[str, ...] = ()

    @property
    def person(self) -> tuple[int, str, str, str, str]:
        """What, taken together, could point at somebody who is known from elsewhere."""
        return (self.year, self.state, self.zip3, self.age, self.gender)


def publishable(lines: Iterable[Line]) -> Iterator[Line]:
    """Rows of which at least ``DEID_SMALL_CELL`` look alike in year, place, age and gender.

    Ages come in bands. What is too rare is made coarser step by step: without the ZIP area, then
    without gender, then without state, then without age. What is still too rare is left out.
    """
    rows = [replace(line, age=age_band(line.age)) for line in lines]
    for blank in ({}, {"zip3": ""}, {"gender": ""}, {"state": ""}, {"age": ""}):
        rows = [replace(row, **blank) for row in rows]  # type: ignore[arg-type]
        common = Counter(row.person for row in rows)
        yield from (row for row in rows if common[row.person] >= settings.DEID_SMALL_CELL)
        rows = [row for row in rows if common[row.person] < settings.DEID_SMALL_CELL]
