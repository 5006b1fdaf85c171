"""A phone line in a few lines: plays in (accelerated) real time, tells its listener what was heard, and lets a test be the callee."""

import asyncio

import numpy as np

from agent_runtime.leg import SAMPLE_RATE, LegListener, Pcm

STEP_S = 0.002


class LegDouble:
    """`speed`: how much faster than real time the callee hears. Implements `agent_runtime.leg.Leg`."""

    def __init__(self, speed: float = 20.0) -> None:
        self.speed = speed
        self.played = bytearray()  # all that was given to `play`, cut or not
        self.played_before_listening = b""
        self.cuts: list[int] = []
        self._noticed = 0
        self._listener: LegListener | None = None
        self._began = asyncio.get_running_loop().time()
        self._closed = False
        self._queued = 0
        self._playing_from: tuple[int, float] = (0, self._now())  # offset, time
        self._stop: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    # Leg

    def listen(self, listener: LegListener) -> None:
        self._listener = listener
        self.played_before_listening = bytes(self.played)
        self._tell()

    def play(self, pcm: bytes) -> int:
        if self._closed or not pcm:
            return self._queued
        if self.heard_up_to() >= self._queued:
            self._playing_from = (self._queued, self._now())
        self._queued += len(pcm) // 2
        self.played += pcm
        self._moved.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._play_on(), name="the double plays")
        return self._queued

    def cut(self) -> int:
        heard = self.heard_up_to()
        if heard < self._queued:
            self.cuts.append(heard)
        self._queued = heard
        if heard == self._stop:
            self._stop = None
        self._moved.set()
        return heard

    def heard_up_to(self) -> int:
        offset, since = self._playing_from
        heard = min(self._queued, offset + round((self._now() - since) * SAMPLE_RATE))
        return heard if self._stop is None else min(heard, self._stop)

    def queued_up_to(self) -> int:
        return self._queued

    def now_ms(self) -> int:
        return round(self._now() * 1000)

    def last_audio(self, seconds: float) -> Pcm:
        return np.zeros(round(seconds * SAMPLE_RATE), np.int16)

    @property
    def closed(self) -> bool:
        return self._closed

    # The test's side

    def voice_starts(self) -> None:
        self._to.voice_started(self.now_ms(), bytes(3200))

    def voice_goes_on(self) -> None:
        """For one more second."""
        self._to.voice_audio(bytes(SAMPLE_RATE * 2))

    def voice_stops(self) -> None:
        self._to.voice_audio(bytes(1600))
        self._to.voice_stopped(self.now_ms())

    def says(self) -> None:
        """The callee speaks a whole utterance; what it was is up to the recognition."""
        self.voice_starts()
        self.voice_stops()

    def beeps(self) -> None:
        self._to.beep(self.now_ms())

    def close(self) -> None:
        """The callee hangs up."""
        if not self._closed:
            self._closed = True
            self._queued = self.heard_up_to()
            self._to.line_closed()
            self._moved.set()

    def stop_at(self, offset: int) -> None:
        """The line stands still when `offset` samples have been heard, until the agent is cut: what a test does there can't come late."""
        self._stop = offset

    def go_on(self) -> None:
        """The line moves again."""
        self._playing_from = (self.heard_up_to(), self._now())
        self._stop = None

    async def heard(self, offset: int) -> None:
        """Return when the callee has heard `offset` samples."""
        while self.heard_up_to() < offset:
            self._moved.clear()
            await self._moved.wait()

    async def agent_speaks(self) -> None:
        """Return when the agent has begun to say something since this was last asked."""
        while len(self.played) <= self._noticed:
            self._moved.clear()
            await self._moved.wait()
        self._noticed = len(self.played)

    async def agent_is_done(self) -> None:
        """Return when all that the agent has said so far has been heard."""
        await self.heard(self._queued)

    @property
    def _to(self) -> LegListener:
        assert self._listener is not None, "nobody listens to this leg yet"
        return self._listener

    def _now(self) -> float:
        return (asyncio.get_running_loop().time() - self._began) * self.speed

    def _tell(self) -> None:
        if self._listener is not None and not self._closed:
            self._listener.heard(self.heard_up_to())
        self._moved.set()

    async def _play_on(self) -> None:
        while self.heard_up_to() < self._queued:
            self._tell()
            await asyncio.sleep(STEP_S)
        self._tell()
