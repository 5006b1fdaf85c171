"""What a telephone line does to speech, and how far recognised words are from spoken ones."""

import re

import numpy as np

_NUMBERS = {
    "0": "zero",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
}


def mu_law_round_trip(pcm: bytes) -> bytes:
    """`pcm` (int16) as it comes out of an 8-bit mu-law line (ITU-T G.711, by its continuous formula)."""
    level = np.frombuffer(pcm, np.int16) / 32768.0
    coded = np.round(np.sign(level) * np.log1p(255 * np.abs(level)) / np.log(256) * 127) / 127
    heard = np.sign(coded) * (np.power(256.0, np.abs(coded)) - 1) / 255
    return (heard * 32767).astype(np.int16).tobytes()


def words(text: str) -> list[str]:
    """Lower-case words without punctuation; small numbers as words."""
    found = re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))
    return [_NUMBERS.get(word, word) for word in found]


def word_errors(spoken: str, heard: str) -> int:
    """Least number of words to insert, delete or replace (Levenshtein)."""
    a, b = words(spoken), words(heard)
    row = list(range(len(b) + 1))
    for i, wanted in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, got in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (wanted != got))
    return row[-1]
