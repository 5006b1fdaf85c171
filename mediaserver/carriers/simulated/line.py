"""The callee's end of an answered call, 20 ms at a time: what the agent sends is buffered and played, what the callee says
goes out. No I/O.

The buffer is the carrier's, as Twilio describes it: audio is appended and played in real time, a mark comes back when all
before it was played, `clear` empties the buffer and sends all outstanding marks back at once.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from mediaserver.carriers.simulated.mulaw import FRAME_BYTES, SILENCE

MOST_BUFFERED = 10 * 60 * 8000  # bytes: what is beyond 10 minutes is discarded


class Playback:
    """What the agent has sent and the callee has yet to hear."""

    def __init__(self) -> None:
        self._audio = bytearray()
        self._played = self._appended = 0
        self._marks: deque[tuple[int, str]] = deque()

    def append(self, mulaw: bytes) -> None:
        fits = mulaw[: max(0, MOST_BUFFERED - len(self._audio))]
        self._audio += fits
        self._appended += len(fits)

    def mark(self, name: str) -> None:
        self._marks.append((self._appended, name))

    def clear(self) -> list[str]:
        """Drop all; the names of the marks that had not come back."""
        self._played = self._appended
        self._audio.clear()
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def take(self) -> tuple[bytes, list[str]]:
        """The next 20 ms (silence where nothing is buffered) and the marks that this reaches."""
        frame = bytes(self._audio[:FRAME_BYTES])
        del self._audio[:FRAME_BYTES]
        self._played += len(frame)
        reached = []
        while self._marks and self._marks[0][0] <= self._played:
            reached.append(self._marks.popleft()[1])
        return frame.ljust(FRAME_BYTES, b"\xff"), reached

    @property
    def buffered(self) -> int:
        """Bytes that wait."""
        return len(self._audio)


@dataclass(eq=False, slots=True)
class Utterance:
    """Something that the callee says (or a tone): `begun_ms` and `ended_ms` on the line's clock once known; `done` when it
    was said or broken off."""

    mulaw: bytes
    done: asyncio.Event = field(default_factory=asyncio.Event)
    begun_ms: int | None = None
    ended_ms: int | None = None
    at: int = 0

    @property
    def said_ms(self) -> int:
        """How much of it was said."""
        return self.at // 8


class Mouth:
    """What the callee has yet to say."""

    def __init__(self) -> None:
        self._waiting: deque[Utterance] = deque()

    def say(self, mulaw: bytes) -> Utterance:
        """Queue `mulaw` behind what is being said."""
        utterance = Utterance(mulaw)
        self._waiting.append(utterance)
        return utterance

    def take(self, now_ms: int) -> bytes:
        """The next 20 ms."""
        if not self._waiting:
            return SILENCE
        current = self._waiting[0]
        if current.begun_ms is None:
            current.begun_ms = now_ms
        frame = current.mulaw[current.at : current.at + FRAME_BYTES]
        current.at += len(frame)
        if current.at >= len(current.mulaw):
            current.ended_ms = now_ms + len(frame) // 8
            current.done.set()
            self._waiting.popleft()
        return frame.ljust(FRAME_BYTES, b"\xff")

    def stop(self, now_ms: int) -> None:
        """The call is over: break off."""
        for utterance in self._waiting:
            utterance.ended_ms = now_ms
            utterance.done.set()
        self._waiting.clear()
