"""What a line of the callee means: the nearest example of the intents that are possible now.

Nearest by cosine of sentence vectors, with two corrections for what such vectors hardly see. "I can make it" and "I can't make
it" are alike at 0.8, so an answer's example counts `NEGATION_COST` less when only one of the two says no. And "Yes, Tuesday is fine" is
near "Tuesday would be better", so a line that opens with yes or no counts more for the intent of that name.

Measured with all-MiniLM-L6-v2 int8 in the first step of the appointment reminder, 14 intents, 226 examples: of 61 phrasings that
were written after all was set (`tests/engines/phrasings.py`), 56 were understood, 5 were not and none was misunderstood. The
threshold comes from 64 other phrasings and 30 lines that belong to no intent: at 0.45 one of the 30 was taken for something, at
0.50 none, at 0.55 three phrasings more were missed.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_runtime.built_in_intents import BUILT_IN, NO, YES
from agent_runtime.engines import Understanding

THRESHOLD = 0.5
NEGATION_COST = 0.2
OPENING_BONUS = {YES: 0.25, NO: 0.1}

_NO_PROBLEM = re.compile(r"\b(?:no problem|no worries|why not|not a problem|don't worry|won't forget|not bad|no doubt)\b")
_NEGATED = re.compile(r"\b(?:no|nope|nah|not|never|nobody|none|cannot|cant|wont|dont|isnt|doesnt|unable|afraid|unfortunately)\b|n't\b")
_OPENING = {
    YES: re.compile(r"\W*(?:(?:uh|um|oh|well|ah)\W+)?(?:yes|yeah|yep|yup|sure|absolutely|definitely|certainly|of course)\b"),
    NO: re.compile(r"\W*(?:(?:uh|um|oh|well|ah)\W+)?(?:no|nope|nah)\b"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """An intent, the example that is nearest to what was said, and how near: the cosine, corrected."""

    intent: str
    example: str
    score: float


class IntentIndex:
    """The examples of all intents of a script, as vectors. Immutable; one per agent, shared by its calls."""

    def __init__(self, intents: Mapping[str, Sequence[str]], vectors: NDArray[np.float32]) -> None:
        """`intents`: examples by name; what stands before a dot in a name is its owner ("confirm.yes"). `vectors`: a unit vector
        per example, in the order of `intents`, shape (examples, 384)."""
        self._examples = [(intent, example) for intent, examples in intents.items() for example in examples]
        if vectors.shape[0] != len(self._examples):
            raise ValueError(f"{len(self._examples)} examples need as many vectors, not {vectors.shape[0]}")
        self._vectors = vectors
        self._negated = np.array([negated(example) for _, example in self._examples], bool)
        self._is_answer = np.array([intent not in BUILT_IN for intent, _ in self._examples], bool)
        self._names = np.array([intent.rpartition(".")[2] for intent, _ in self._examples], object)

    @classmethod
    async def build(cls, intents: Mapping[str, Sequence[str]], understanding: Understanding) -> "IntentIndex":
        """The index of `intents`, their examples embedded by `understanding`.

        Raises:
            EngineUnavailable: they can't be embedded.
        """
        lines = [example for examples in intents.values() for example in examples]
        return cls(intents, await understanding.embed(lines))

    def nearest(self, line: str, vector: NDArray[np.float32], among: Collection[str]) -> Meaning | None:
        """What `line` means of the intents `among`; None where nothing is near enough. `vector`: of the line, shape (384,)."""
        best = next(iter(self.ranked(line, vector, among)), None)
        return best if best is not None and best.score >= THRESHOLD else None

    def ranked(self, line: str, vector: NDArray[np.float32], among: Collection[str]) -> list[Meaning]:
        """The best example of each intent `among`, nearest first, however far."""
        scores = self._vectors @ vector - NEGATION_COST * (self._is_answer & (self._negated != negated(line)))
        opening = opens_with(line)
        if opening:
            scores = scores + OPENING_BONUS[opening] * (self._names == opening)
        best: dict[str, Meaning] = {}
        for position in np.argsort(-scores, kind="stable"):
            intent, example = self._examples[int(position)]
            if intent in among and intent not in best:
                best[intent] = Meaning(intent, example, min(1.0, float(scores[position])))
        return list(best.values())


def negated(line: str) -> bool:
    """Whether `line` says no to something."""
    return _NEGATED.search(_NO_PROBLEM.sub("", _plain(line))) is not None


def opens_with(line: str) -> str:
    """YES or NO where `line` begins with it and does not take it back; else empty."""
    plain = _NO_PROBLEM.sub("", _plain(line))
    if _OPENING[YES].match(plain):
        return "" if negated(line) else YES
    return NO if _OPENING[NO].match(plain) else ""


def _plain(line: str) -> str:
    return line.lower().replace("’", "'")
