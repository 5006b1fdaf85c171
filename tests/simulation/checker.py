"""Reads the whole history of a run and names every promise that was broken.

It judges by what the carrier saw, what the operators were answered and what each commit left, with rules of its own (`oracle`).
`python -m tests.simulation.checker` prints the promises as docs/simulation.md shows them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.simulation import promises_calls, promises_campaigns, promises_ends, promises_gates
from tests.simulation.history import History
from tests.simulation.reading import Finding, Reading

Check = Callable[[Reading], Iterable[Finding]]

CHAPTERS: Mapping[str, tuple[Check, ...]] = {
    "Calls at the carrier": promises_calls.PROMISES,
    "Gates and pacing": promises_gates.PROMISES,
    "Ends and outcomes": promises_ends.PROMISES,
    "Campaigns and contacts": promises_campaigns.PROMISES,
}
CHECKS: Mapping[str, Check] = {each.__name__: each for chapter in CHAPTERS.values() for each in chapter}


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that a run broke: when, what about (ids by kind), and how."""

    promise: str
    at: datetime
    ids: Mapping[str, Any]
    sentence: str

    def __str__(self) -> str:
        about = ", ".join(f"{kind} {what}" for kind, what in self.ids.items())
        return f"{self.at:%a %Y-%m-%d %H:%M:%S.%f}  {self.promise}: {self.sentence} ({about})"


def check(history: History) -> list[Violation]:
    """Every promise that the run broke, in the order of time; none: it kept them all."""
    reading = Reading(history)
    violations = [
        Violation(name, finding.at, finding.ids, finding.sentence) for name, promise in CHECKS.items() for finding in promise(reading)
    ]
    return sorted(violations, key=lambda each: each.at)


def promises() -> str:
    """What the checker promises, as a section in Markdown."""
    lines = ["## What the checker promises", ""]
    for title, chapter in CHAPTERS.items():
        lines += [f"### {title}", "", *(f"- `{each.__name__}`: {sentence(each)}" for each in chapter), ""]
    return "\n".join(lines)


def sentence(promise: Check) -> str:
    """The promise in words."""
    return " ".join((promise.__doc__ or "").split())


if __name__ == "__main__":
    print(promises(), end="")
