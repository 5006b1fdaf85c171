"""The first message: where its words lie in prepared audio, and how much of it a callee's "Hello?" does not interrupt."""

import re

from agent_runtime.agent import Agent, fill
from agent_runtime.transport import Utterance

Words = tuple[tuple[int, str], ...]
"""Each word with the offset, in samples, at which it begins."""


class Greeting:
    """The first message of a call, `text`, as it is being heard."""

    def __init__(self, agent: Agent, variables: dict[str, str]) -> None:
        """Raises:
        MissingVariable: the message needs a variable that is not there.
        """
        self.text = fill(agent.first_message, variables)
        self._guarded_words = words_to_key_phrase(self.text, fill(agent.key_phrase, variables))
        self._spoken: Utterance | None = None
        self._over = False

    def agent_began(self, utterance: Utterance) -> None:
        """The first that the agent says is the greeting."""
        self._spoken = self._spoken or utterance

    def agent_ended(self, utterance: Utterance) -> None:
        self._over = self._over or utterance is self._spoken

    @property
    def guarded(self) -> bool:
        """Whether its key phrase is still to be heard: until then no voice interrupts it."""
        return self._spoken is None or (not self._over and len(self._spoken.words) < self._guarded_words)


def word_offsets(text: str, samples: int) -> Words:
    """The words of `text` spread over `samples` of its speech by their length: an estimate, good to about a quarter of a second."""
    words = text.split()
    weights = [len(word) + (5 if word[-1] in ".!?" else 3 if word[-1] in ",;:" else 1) for word in words]
    per_weight = samples / max(1, sum(weights))
    offsets, at = [], 0.0
    for word, weight in zip(words, weights, strict=True):
        offsets.append((round(at), word))
        at += weight * per_weight
    return tuple(offsets)


def words_to_key_phrase(text: str, key_phrase: str) -> int:
    """How many words of `text` must be heard before an interruption counts: to the end of `key_phrase`, or of the first sentence
    where it is empty or not in `text`.
    """
    at = text.lower().find(key_phrase.lower()) if key_phrase.strip() else -1
    if at >= 0:
        return len(text[: at + len(key_phrase)].split())
    first = re.search(r"[.!?](?=\s|$)", text)
    return len(text[: first.end()].split()) if first else len(text.split())
