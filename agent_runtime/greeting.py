"""The first message: where its words lie in prepared audio, and how much of it a callee's "Hello?" does not interrupt."""

import re

Words = tuple[tuple[int, str], ...]
"""Each word with the offset, in samples, at which it begins."""


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
