"""One line of the bench: a floor, our figure, and the goal between them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ROUNDS = 9


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
    for _ in range(max(rounds, 7)):
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
    each: int = 1,
) -> BenchRow:
    """A row in milliseconds with a goal on the ratio. ``each``: how many times a round does the work."""
    low, high = (seconds * 1000 / each for seconds in alternate(floor, ours, rounds=rounds))
    return BenchRow(name, floor_label, low, high, high / low, goal, "ms", extra)
