"""The switch: real-time audio of all calls of this process, on one clock.

Every 20 ms one tick scores what the callees said, in one batch, and sends what their lines need. Deadlines are absolute: a tick
that comes late does its work at once, and the lines have audio for `ahead_ms` in the meantime.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mediaserver.switch import mulaw
from mediaserver.switch.boundary import contained
from mediaserver.switch.garbage import Garbage
from mediaserver.switch.leg import LegParts, SwitchLeg
from mediaserver.switch.playout import Lateness
from mediaserver.switch.recording import Recorder, RecordingWriter
from mediaserver.switch.tones import read_tones
from mediaserver.switch.voice import WINDOW, SpeechModel, VoiceParams
from mediaserver.wire import StreamCodec

TICK_S = 0.02
CATCH_UP_S = 0.01  # a tick may take so long for catching up with bursts and stalls before the rest waits for the next tick


@dataclass(slots=True)
class SwitchCounters:
    """What `/metrics` shows. `late`: audio that came after the callee had run out of it. `voice_s`: seconds spent on voice
    activity."""

    legs: int = 0
    late: Lateness = field(default_factory=Lateness)
    windows: int = 0
    voice_s: float = 0.0
    voice_worst_s: float = 0.0


class Switch:
    """One per process. `ahead_ms`: how much audio a callee's line holds at least (200 to 400). `clock`: seconds, monotonic; tests
    drive it by hand and call `tick` themselves."""

    def __init__(
        self,
        *,
        ahead_ms: int = 300,
        voice: VoiceParams | None = None,
        clock: Callable[[], float] = time.monotonic,
        model: SpeechModel | None = None,
    ) -> None:
        self.counters = SwitchCounters()
        self.garbage = Garbage()
        self._ahead_ms = ahead_ms
        self._voice = voice or VoiceParams()
        self._clock = clock
        self._model = model
        self._writer = RecordingWriter()
        self._legs: set[SwitchLeg] = set()
        self._playing: set[SwitchLeg] = set()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the speech model and start the clock. Returns when legs can be added. May be called twice."""
        if self._ticking is None:
            if self._model is None:
                self._model = await asyncio.to_thread(SpeechModel.load)
            self._ticking = asyncio.create_task(self._run(), name="switch clock")

    async def stop(self) -> None:
        """Close all legs, stop the clock, and finish the recordings. May be called twice."""
        for leg in list(self._legs):
            leg.close()
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        await asyncio.to_thread(self._writer.stop)

    def add(self, codec: StreamCodec, send: Callable[[str], None], *, record_to: Path | None = None) -> SwitchLeg:
        """A leg for a stream that has started. `send` takes a text frame for the carrier and returns at once. `record_to`: a
        `.wav` file.

        Raises:
            RuntimeError: the switch was not started.
        """
        if self._model is None:
            raise RuntimeError("the switch has no speech model yet: await start() before the first call")
        recorder = None
        if record_to is not None:
            self._writer.start()
            recorder = Recorder(record_to, self._writer)
        leg = SwitchLeg(
            LegParts(
                row=self._model.take_row(),
                codec=codec,
                send=send,
                clock=self._clock,
                ahead_ms=self._ahead_ms,
                voice=self._voice,
                late=self.counters.late,
                played=self._playing.add,
                closed=self._remove,
                recorder=recorder,
            )
        )
        self._legs.add(leg)
        self.counters.legs = len(self._legs)
        return leg

    def tick(self) -> None:
        """All that is to be done now. Playout comes first: what is late there is heard, what is late in voice activity is a pause."""
        for leg in list(self._playing):
            if not leg.pump():
                self._playing.discard(leg)
        if self.garbage.due(len(self._legs), self._clock()):
            self.garbage.collect()
        self._hear()

    def _hear(self) -> None:
        began = time.perf_counter()
        for leg in list(self._legs):
            leg.stop_idle_voice()
        took = 0.0
        while took < CATCH_UP_S and self._hear_windows():
            took = time.perf_counter() - began
        self.counters.voice_s += took
        self.counters.voice_worst_s = max(self.counters.voice_worst_s, took)

    def _hear_windows(self) -> int:
        """One window of every leg that has one, in one batch. How many legs had one."""
        ready = [(leg, window) for leg in self._legs if (window := leg.next_window()) is not None]
        model = self._model
        if not ready or model is None:
            return 0
        audio = mulaw.decode(b"".join(window for _, window in ready)).reshape(len(ready), WINDOW)
        windows = audio.astype(np.float32) / np.float32(32768)
        scores = model.score([leg.row for leg, _ in ready], windows).tolist()
        steps, digits = read_tones(windows)
        for (leg, _), score, step, digit in zip(ready, scores, steps, digits, strict=True):
            if leg.closed:  # by what an earlier leg's listener did
                continue
            if leg.voice.reset_due(score):
                model.reset(leg.row)
            leg.window_scored(score, step, digit)
        self.counters.windows += len(ready)
        return len(ready)

    def _remove(self, leg: SwitchLeg) -> None:
        self._legs.discard(leg)
        self._playing.discard(leg)
        self.counters.legs = len(self._legs)
        self.garbage.call_ended(self._clock())
        if self._model is not None:
            self._model.free_row(leg.row)

    async def _run(self) -> None:
        due = self._clock()
        while True:
            contained("a tick of the switch failed; the clock goes on", self.tick)
            now = self._clock()
            due = max(due + TICK_S, now)  # after a stall: at once, and no tick twice
            await asyncio.sleep(due - now)
