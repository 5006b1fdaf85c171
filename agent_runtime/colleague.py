"""Listens to the microphone of a supervisor who has taken a call over, so that what was said is known to the transcript and the agent."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from agent_runtime.calls import Speaker, Turn
from agent_runtime.engines import EngineUnavailable, Recognition
from agent_runtime.leg import SAMPLE_RATE, Leg
from agent_runtime.transport import VAD_SECS

log = logging.getLogger(__name__)

LONGEST = 15 * SAMPLE_RATE * 2  # bytes: what a recognition takes at once
DETECTED_MS = round(VAD_SECS * 1000)  # how long a voice has gone on, or has been silent, when that is told


@dataclass(frozen=True, slots=True)
class _Utterance:
    audio: bytes
    start_ms: int
    end_ms: int


class Colleague:
    """Implements `LegListener` for the microphone. Turns carry the times of the call's leg; `said` is called with each, in order."""

    def __init__(self, leg: Leg, recognition: Recognition | None, said: Callable[[Turn], None]) -> None:
        """`recognition`: None where the process has none, and then nothing that is said is known."""
        self._leg, self._recognition, self._said = leg, recognition, said
        self._audio: bytearray | None = None
        self._start_ms = 0
        self._utterances: asyncio.Queue[_Utterance] = asyncio.Queue()
        self._waiting = 0
        self._closed = False
        self._working: asyncio.Task[None] | None = None

    @property
    def settled(self) -> bool:
        """Whether all that was said is known."""
        return self._audio is None and not self._waiting

    async def settle(self, within_s: float) -> None:
        """Return when all that was said until now is known, or after `within_s`."""
        self._utterance_ended()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._utterances.join()

    async def close(self) -> None:
        """Recognise nothing more: who goes on speaking into a microphone is not in the call any more."""
        self._closed, self._audio = True, None
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])

    # LegListener

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        self._utterance_ended()
        if self._closed:
            return
        self._audio, self._start_ms = bytearray(pre_roll), max(0, self._leg.now_ms() - DETECTED_MS)

    def voice_audio(self, pcm: bytes) -> None:
        if self._audio is None:
            return
        if len(self._audio) + len(pcm) > LONGEST:
            self._utterance_ended()
            self._audio, self._start_ms = bytearray(), self._leg.now_ms()
        self._audio += pcm

    def voice_stopped(self, at_ms: int) -> None:
        self._utterance_ended()

    def line_closed(self) -> None:
        self._utterance_ended()

    def heard(self, offset: int) -> None:
        """Nothing is played to a microphone."""

    def digit(self, digit: str) -> None:
        """A microphone has no keys."""

    def beep(self, at_ms: int) -> None:
        """No machine answers at a microphone."""

    def _utterance_ended(self) -> None:
        if self._audio is None:
            return
        audio, self._audio = bytes(self._audio), None
        if self._recognition is None or not audio:
            return
        end_ms = max(self._start_ms, self._leg.now_ms() - DETECTED_MS)
        self._waiting += 1
        self._utterances.put_nowait(_Utterance(audio, self._start_ms, end_ms))
        if self._working is None:
            self._working = asyncio.create_task(self._work(self._recognition), name="a supervisor's words")

    async def _work(self, recognition: Recognition) -> None:
        while True:
            utterance = await self._utterances.get()
            text = ""
            try:
                text = (await recognition.recognize(utterance.audio)).text
            except EngineUnavailable as error:
                log.warning("what a supervisor said is not in the transcript: %s", error)
            self._waiting -= 1
            if text:
                self._said(Turn(Speaker.SUPERVISOR, text, utterance.start_ms, utterance.end_ms))
            self._utterances.task_done()
