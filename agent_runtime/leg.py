"""The port between a conversation and a phone line: what the agent needs of a call's audio, and nothing of how it travels.

All audio is 8 kHz mono signed 16-bit little-endian PCM. Positions on the outgoing side are counted in samples since
the leg began (`OFFSET`s), times in milliseconds since the leg began, which is when the callee could first hear us.
The media server's switch implements `Leg`; tests implement it in a few lines.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8000
SAMPLES_PER_MS = SAMPLE_RATE // 1000

Pcm = NDArray[np.int16]


class LegListener(Protocol):
    """Told what happens on the line, on the event loop, in order. No method may block or await; each returns at once."""

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        """The callee began to speak at `at_ms`. `pre_roll`: the PCM of up to 1 s before the detection, the start included."""

    def voice_audio(self, pcm: bytes) -> None:
        """More of the callee's speech (60 to 100 ms a piece), between `voice_started` and `voice_stopped`, gap-free
        after the pre-roll.
        """

    def voice_stopped(self, at_ms: int) -> None:
        """The callee's speech ended at `at_ms` (which is before now: the detector waits for silence)."""

    def heard(self, offset: int) -> None:
        """The callee has now heard our audio up to `offset` samples. Called whenever the position moves, while anything plays."""

    def digit(self, digit: str) -> None:
        """A DTMF digit (0-9, *, #) that the callee pressed."""

    def beep(self, at_ms: int) -> None:
        """An answering machine's tone ended at `at_ms`."""

    def line_closed(self) -> None:
        """The line is gone: the carrier stopped the stream or its socket closed. Comes once, last."""


class Leg(Protocol):
    """One phone line. Methods are called on the event loop and return at once."""

    def listen(self, listener: LegListener) -> None:
        """From now on `listener` is told; what happened before (a voice that started early) is told first. Once per leg."""

    def play(self, pcm: bytes) -> int:
        """Queue audio behind what is queued already. Returns the offset of its end, in samples. On a closed leg:
        dropped, the offset stays.
        """

    def cut(self) -> int:
        """Silence us now: drop what was queued and what the carrier has buffered. Returns how far was heard; later
        `play`s continue
        from that offset."""

    def heard_up_to(self) -> int:
        """How far the callee has heard us, in samples: the lesser of what was sent and what marks and the clock prove."""

    def queued_up_to(self) -> int:
        """The offset of the end of all that was given to `play` and not cut."""

    def now_ms(self) -> int:
        """Milliseconds since the leg began."""

    def last_audio(self, seconds: float) -> Pcm:
        """The callee's last `seconds` of audio (at most 10 s are kept), shape (samples,), int16."""

    @property
    def closed(self) -> bool:
        """Whether the line is gone."""
