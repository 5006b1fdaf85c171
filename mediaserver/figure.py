"""A measured figure, held against its goal: a row of a table for people, a JSON line for programs."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda value, bound: value <= bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
    "==": lambda value, bound: value == bound,
}


def holds(value: float, goal: str) -> bool:
    """Whether `value` reaches a goal such as "<= 0.3" or "== 0".

    Raises:
        ValueError: the goal is not a comparison and a number.
    """
    comparison, _, bound = goal.partition(" ")
    if comparison not in _HOLDS:
        raise ValueError(f"{goal!r} is no goal: write a comparison, a space and a number, such as '<= 0.3'")
    return _HOLDS[comparison](value, float(bound))


@dataclass(frozen=True, slots=True)
class Figure:
    """`figure`: its name, `group.name`. `value`: the median of the runs, None where it could not be measured, and `reason` says
    why. `goal`: a comparison and a number; empty for a figure that has none, which is met once measured. `detail`: what else to
    know."""

    figure: str
    value: float | None
    unit: str
    goal: str
    met: bool
    runs: int
    reason: str | None = None
    detail: str | None = None

    @classmethod
    def measured(cls, figure: str, values: Sequence[float], unit: str, goal: str = "", detail: str | None = None) -> Self:
        """The median of one value a run."""
        value = round(statistics.median(values), 3)
        return cls(figure, value, unit, goal, not goal or holds(value, goal), len(values), detail=detail)

    @classmethod
    def not_measured(cls, figure: str, unit: str, goal: str, reason: str) -> Self:
        return cls(figure, None, unit, goal, met=False, runs=0, reason=reason)

    def json(self) -> str:
        """One line: `figure`, `value`, `unit`, `goal`, `met`, `runs`, and `reason` and `detail` where there are any."""
        line: dict[str, str | float | bool | None] = {
            "figure": self.figure,
            "value": self.value,
            "unit": self.unit,
            "goal": self.goal,
            "met": self.met,
            "runs": self.runs,
        }
        line |= {name: text for name, text in (("reason", self.reason), ("detail", self.detail)) if text}
        return json.dumps(line)

    def row(self) -> tuple[str, str, str, str, str]:
        """Cells for a table: figure, value with unit, goal, whether it is met, runs with reason or detail."""
        value = "-" if self.value is None else f"{self.value:g} {self.unit}"
        notes = [f"{self.runs} runs" if self.runs != 1 else "1 run", self.reason, self.detail]
        return self.figure, value, self.goal, "yes" if self.met else "NO", "; ".join(note for note in notes if note)
