"""The network's own record of each call, on its own clock, and the figures that are made of it.

All times are ms since the callee picked up (before the answer document is asked for), on the monotonic clock of the network.
"""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

OVERLAP_MS = 250  # agent's audio that arrived this shortly before a line ended: nobody waited for an answer


class Said(msgspec.Struct, frozen=True):
    """One line of the callee: the words that were really said (fewer than the line has, where the call ended in it: `cut`)."""

    text: str
    start_ms: int
    end_ms: int
    cut: bool = False


class Heard(msgspec.Struct, frozen=True):
    """One utterance of the agent as the callee understood it, from its first sound to its last. Without text where the call ended in it."""

    text: str
    start_ms: int
    end_ms: int


class Gap(msgspec.Struct, frozen=True):
    """What passed between the end of a callee's line and the arrival of the agent's next sound. Negative where the agent did
    not wait."""

    after_line: int
    gap_ms: int


class CallJournal(msgspec.Struct):
    """One call. `placed_at`, `answered_at`, `ended_at`: RFC 3339. `first_audio_ms`: arrival of the agent's first sound;
    `first_heard_ms`: when it was played to the callee. `ended_by`: callee, api, document, network. `stop`: whether the
    stream's stop came before or after the end, or never. `recorded`: what the agent left on a mailbox."""

    call_sid: str
    to: str
    persona: str
    placed_at: str
    answered_at: str | None = None
    ended_at: str | None = None
    status: str = "queued"
    ended_by: str = ""
    ended_ms: int | None = None
    sip_code: str = ""
    stop: str = ""
    stream_open_ms: int | None = None
    first_audio_ms: int | None = None
    first_heard_ms: int | None = None
    said: list[Said] = []
    heard: list[Heard] = []
    gaps: list[Gap] = []
    beep_ms: int | None = None
    recorded: str = ""
    clears_ms: list[int] = []
    marks_played: int = 0
    marks_cleared: int = 0
    media_frames: int = 0
    bad_frames: int = 0
    documents: int = 0
    problems: list[str] = []


def first_words(calls: Iterable[CallJournal]) -> list[int]:
    """Answer to the agent's first sound, ms, of each call that had one."""
    return [call.first_audio_ms for call in calls if call.first_audio_ms is not None]


def gaps(calls: Iterable[CallJournal]) -> list[int]:
    """End of the callee's line to the agent's next sound, ms, of all calls. Lines over which the agent spoke are left out."""
    return [gap.gap_ms for call in calls for gap in call.gaps if gap.gap_ms >= 0]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` (0 to 1) of `values` do not exceed, by nearest rank; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def read(path: Path) -> list[CallJournal]:
    """The calls in a journal file, oldest first."""
    decode = msgspec.json.Decoder(CallJournal).decode
    return [decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def append(path: Path, call: CallJournal) -> None:
    """Add one ended call to the file."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(call) + b"\n")


_SAME_WORDS = {"okay": "ok", "alright": "all right", "cannot": "cant", "hi": "hello", "yeah": "yes"}


def words(text: str) -> list[str]:
    """`text` as words to compare: lower case, without punctuation, spellings of the same word made one."""
    plain = re.sub(r"[^a-z0-9 ]", " ", re.sub(r"['’]", "", text.lower()))
    return [word for raw in plain.split() for word in _SAME_WORDS.get(raw, raw).split()]


class WordErrors(msgspec.Struct, frozen=True):
    """Errors (substituted, missing and added words) against a number of words that were said."""

    errors: int
    words: int

    @property
    def percent(self) -> float:
        """Word error rate in percent; 0 where nothing was said and nothing understood."""
        return 100.0 * self.errors / max(1, self.words)

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(self.errors + other.errors, self.words + other.words)


def word_errors(said: Iterable[str], understood: Iterable[str]) -> WordErrors:
    """The errors of `understood` (a transcript's callee turns) against `said` (the callee's exact lines) of one call, by
    Levenshtein distance of words."""
    reference = [word for line in said for word in words(line)]
    hypothesis = [word for line in understood for word in words(line)]
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != got))
    return WordErrors(row[-1], len(reference))
