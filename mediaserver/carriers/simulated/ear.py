"""The callee's ear: finds the agent's utterances in what is played, by loudness alone. No I/O; fed 20 ms at a time.

It is deliberately simple and its own: the network must not hear by the ear of the side that it rehearses.
"""

import asyncio

from mediaserver.carriers.simulated.mulaw import FRAME_MS, loudness

AUDIBLE = 120.0  # mean amplitude of a frame, of 32124: far above line silence, below soft speech
_BEGINS_AFTER = 3  # audible frames of the last 5: a click is no speech
_LEAD_FRAMES = 10  # kept from before the beginning
_LONGEST_FRAMES = 15 * 1000 // FRAME_MS  # more is forgotten from the front


class Ear:
    """One callee's. `speech`: set while the agent has said something that was not yet taken."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._recent: list[bool] = []
        self.began_ms: int | None = None
        self.last_sound_ms: int | None = None
        self.now_ms = 0
        self.speech = asyncio.Event()
        self._moved = asyncio.Event()

    def hear(self, mulaw: bytes, now_ms: int) -> bool:
        """20 ms, beginning at `now_ms`. Whether they are audible."""
        audible = loudness(mulaw) > AUDIBLE
        self.now_ms = now_ms + FRAME_MS
        self._recent = [*self._recent[-4:], audible]
        self._frames.append(mulaw)
        if self.began_ms is None:
            del self._frames[:-_LEAD_FRAMES]
            if sum(self._recent) >= _BEGINS_AFTER:
                self.began_ms = now_ms - (len(self._recent) - 1 - self._recent.index(True)) * FRAME_MS
                self.speech.set()
        else:
            del self._frames[:-_LONGEST_FRAMES]
        if audible and self.began_ms is not None:
            self.last_sound_ms = self.now_ms
        self._moved.set()
        return audible

    @property
    def silent_ms(self) -> int:
        """How long ago the agent's last sound was; 0 before the first."""
        return self.now_ms - self.last_sound_ms if self.last_sound_ms is not None else 0

    async def pause(self, longer_than_ms: int) -> int:
        """Wait until the agent has said something and then been silent for so long. Returns when its last sound was."""
        await self.speech.wait()
        while self.silent_ms < longer_than_ms:
            await self.moved()
        return self.last_sound_ms or 0

    async def quiet(self, until_ms: int, since_sound_ms: int) -> bool:
        """Wait until `until_ms`, unless the agent makes a sound after `since_sound_ms`: then False, at once."""
        while self.now_ms < until_ms:
            if self.last_sound_ms != since_sound_ms:
                return False
            await self.moved()
        return self.last_sound_ms == since_sound_ms

    async def moved(self) -> None:
        """The next 20 ms."""
        self._moved.clear()
        await self._moved.wait()

    def utterance(self) -> bytes:
        """Mu-law of what was said and not yet taken, at most the last 15 s of it."""
        return b"".join(self._frames)

    def take(self) -> tuple[bytes, int, int]:
        """What was said, its first and last sound in ms; the next utterance begins afresh."""
        taken = self.utterance(), self.began_ms or 0, self.last_sound_ms or 0
        self._frames.clear()
        self._recent.clear()
        self.began_ms = self.last_sound_ms = None
        self.speech.clear()
        return taken
