"""What a supervisor's whisper means to a script: the step that the agent is to go to, or a way to end that every script knows.

A step is meant by its name, or where the whisper is near to its name or to what is said there, by the cosine of sentence vectors. What
every script knows counts `BUILT_IN_COST` less: "call" and "say" are in many whispers that mean a step.

Measured with all-MiniLM-L6-v2 int8 on the five templates (`tests/engines/whispers.py`): of 56 whispers that mean a step, 36 were
understood, 4 were taken for another step and 16 for none; of 16 that mean none, asked in each template, 2 of 80 were taken for a step. At
0.45 it were 38, 5 and 13; at 0.55 31, 4 and 21. A supervisor reads at once which step the agent goes to, and may whisper again.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent_runtime.agent import VARIABLE, Script
from agent_runtime.built_in_intents import GOODBYE, NOT_NOW
from agent_runtime.engines import Understanding

THRESHOLD = 0.5
BUILT_IN_COST = 0.1

_BUILT_IN = {
    GOODBYE: ("say goodbye", "end the call politely", "thank them and hang up", "wrap it up", "finish the call"),
    NOT_NOW: ("call back later", "ask when to call again", "offer to call another time", "agree on a better time to call"),
}
_GO_TO = re.compile(
    r"^(?:please )?(?:(?:go|jump|skip|move|switch|return)(?: on| back)? to |goto )?(?:the )?(?:step )?(?P<name>.+?)(?: step)?$"
)


@dataclass(frozen=True, slots=True)
class Direction:
    """Where the agent is to go. `step`: of the script; else `built_in`: GOODBYE, or NOT_NOW, which asks for a better time."""

    step: str = ""
    built_in: str = ""


class Directions:
    """The directions that a script can be given, as vectors. Immutable; one per script, shared by its calls."""

    def __init__(self, script: Script, vectors: NDArray[np.float32]) -> None:
        """`vectors`: a unit vector for each of `texts_of(script)`, shape (texts, 384)."""
        self._names = {_plain(name): name for name in script.steps if _plain(name)}
        texts = texts_of(script)
        if len(texts) != vectors.shape[0]:
            raise ValueError(f"{len(texts)} texts need as many vectors, not {vectors.shape[0]}")
        self._directions = [direction for direction, _ in texts]
        self._cost = np.array([BUILT_IN_COST * bool(direction.built_in) for direction, _ in texts], np.float32)
        self._vectors = vectors

    @classmethod
    async def build(cls, script: Script, understanding: Understanding) -> "Directions":
        """Those of `script`, their texts embedded by `understanding`.

        Raises:
            EngineUnavailable: they can't be embedded.
        """
        return cls(script, await understanding.embed([text for _, text in texts_of(script)]))

    def named(self, whisper: str) -> Direction | None:
        """The step that `whisper` calls by its name: "offer", "go to the offer step"."""
        found = _GO_TO.match(_plain(whisper))
        name = self._names.get(_plain(whisper)) or (self._names.get(found["name"]) if found else None)
        return Direction(step=name) if name is not None else None

    def nearest(self, vector: NDArray[np.float32]) -> Direction | None:
        """What a whisper of this vector, shape (384,), means; None where nothing is near enough."""
        scores = self._vectors @ vector - self._cost
        best = int(np.argmax(scores))
        return self._directions[best] if scores[best] >= THRESHOLD else None


def texts_of(script: Script) -> list[tuple[Direction, str]]:
    """What stands for each direction: of a step its name and what is said there, without the values of a call."""
    texts = []
    for name, step in script.steps.items():
        said = [VARIABLE.sub(lambda used: (used.group(2) or used.group(1)).replace("_", " "), text) for text in (step.say, step.reprompt)]
        texts += [(Direction(step=name), text) for text in (_plain(name), *said) if text]
    return texts + [(Direction(built_in=name), text) for name, examples in _BUILT_IN.items() for text in examples]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]", " ", text.lower()).split())
