"""Pipecat's two ends on a leg: what the callee says goes in, what the agent says goes out and counts when it was heard.

Pipecat is told events and utterances, never 20 ms frames. On the way out every frame that is not a system frame waits until
the audio before it has been heard, so that the conversation's context holds what the callee heard, to the word.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from pipecat.frames.frames import (
    AggregatedTextFrame,
    AggregatedTextProgressFrame,
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    StartFrame,
    SystemFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agent_runtime.leg import SAMPLE_RATE, SAMPLES_PER_MS, Leg

VAD_SECS = 0.2  # how long the switch's detector listens before it says started or stopped
KEPT = 2 * SAMPLE_RATE  # samples of heard audio that are kept, to go on from the beginning of a word
BYTES = 2  # per sample


class CallIn(FrameProcessor):
    """The way in. The leg's events are queued at once and pushed in order by one task; nothing is lost before the start."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)
        self._events: asyncio.Queue[Frame] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None

    def push_soon(self, frame: Frame) -> None:
        """Send `frame` down the pipeline after what is queued already. Safe from anywhere on the event loop."""
        self._events.put_nowait(frame)

    def voice_started(self, pre_roll: bytes) -> None:
        if pre_roll:
            self._events.put_nowait(_audio(pre_roll))
        self._events.put_nowait(VADUserStartedSpeakingFrame(start_secs=VAD_SECS))

    def voice_audio(self, pcm: bytes) -> None:
        self._events.put_nowait(_audio(pcm))

    def voice_stopped(self) -> None:
        self._events.put_nowait(VADUserStoppedSpeakingFrame(stop_secs=VAD_SECS))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._pump = self.create_task(self._push_events())

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat's has no annotations
        await self._stop()

    async def _push_events(self) -> None:
        while True:
            await self.push_frame(await self._events.get())

    async def _stop(self) -> None:
        """Stop, after what the callee said last has been handed on."""
        if self._pump is not None:
            pump, self._pump = self._pump, None
            await self.cancel_task(pump)
            while not self._events.empty():
                await self.push_frame(self._events.get_nowait())


def _audio(pcm: bytes) -> InputAudioRawFrame:
    return InputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE, num_channels=1)


@dataclass(frozen=True, slots=True)
class Tail:
    """What of the agent's speech was cut off: its PCM, its words with their offsets in it (samples), whether that is all of it."""

    pcm: bytes
    words: tuple[tuple[int, str], ...]
    complete: bool


@dataclass(slots=True)
class Utterance:
    """One piece of the agent's speech, from its first audio to its end or cut. Offsets in samples, times in ms since the leg began.

    `text_at_ms`: its text was there; `audio_at_ms`: its first audio went out; `start_ms`, `end_ms`: when the callee heard it.
    """

    start: int
    text_at_ms: int
    audio_at_ms: int
    words: list[str] = field(default_factory=list)
    start_ms: int | None = None
    end_ms: int = 0
    cut_off: bool = False
    latency_ms: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What of it was heard."""
        return " ".join(self.words)


class SpeechListener(Protocol):
    """Told what becomes of the agent's speech. Methods return at once."""

    def agent_began(self, utterance: Utterance) -> None:
        """The first audio of an utterance has been given to the leg."""

    def agent_heard(self, utterance: Utterance) -> None:
        """One more word of an utterance has been heard."""

    def agent_ended(self, utterance: Utterance, tail: Tail | None) -> None:
        """An utterance has been heard to its end, or was cut and left this tail."""


@dataclass(slots=True)
class _Held:
    offset: int
    frame: Frame
    utterance: Utterance | None


@dataclass(frozen=True, slots=True)
class _Context:
    """Where the words of one audio context count from: `base_ns` on Pipecat's clock is `start` on the leg."""

    name: str | None
    start: int
    base_ns: int


class CallOut(FrameProcessor):
    """The way out. `drain_s`: how long an EndFrame waits at most for what is still to be heard."""

    def __init__(self, leg: Leg, listener: SpeechListener, *, drain_s: float = 20.0) -> None:
        super().__init__()
        self._leg, self._listener, self._drain_s = leg, listener, drain_s
        self._heard = 0
        self._held: deque[_Held] = deque()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._word_starts: deque[int] = deque(maxlen=8)
        self._utterances: deque[Utterance] = deque()
        self._open: Utterance | None = None
        self._text_at: int | None = None
        self._context: _Context | None = None
        self._last_pts = 0
        self._held_back = self._silenced = False
        self._wake, self._moved = asyncio.Event(), asyncio.Event()
        self._releasing: asyncio.Task[None] | None = None

    @property
    def speaking(self) -> bool:
        """Whether the agent's speech is still to be heard."""
        return bool(self._utterances)

    def heard(self, offset: int) -> None:
        """The callee has heard us up to `offset`."""
        self._heard = max(self._heard, offset)
        for utterance in self._utterances:
            if utterance.start_ms is None and offset > utterance.start:
                utterance.start_ms = self._leg.now_ms() - (offset - utterance.start) // SAMPLES_PER_MS
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) // BYTES < self._heard - KEPT:
            self._kept.popleft()
        self._wake.set()
        self._moved.set()

    def line_closed(self) -> None:
        """Nobody hears us any more: what is left of the speech is dropped."""
        self._cut()
        self._wake.set()
        self._moved.set()

    def hold_back(self) -> None:
        """Silence us now, and let nothing through until `go_on`: somebody else speaks on the leg."""
        self._held_back, self._silenced = True, self._cut()
        self._wake.set()

    def go_on(self) -> None:
        """What comes from now on is spoken again."""
        self._held_back = False

    def begin(self, pcm: bytes, words: tuple[tuple[int, str], ...]) -> None:
        """Say prepared audio now, behind what plays; `words` with their offsets in it, in samples. Works before the start."""
        start = self._leg.queued_up_to()
        self._hold(LLMFullResponseStartFrame(), start)
        utterance = self._play(pcm)
        self._hold(BotStartedSpeakingFrame(), start)
        for offset, word in words:
            self._hold(TTSTextFrame(word, "word"), start + offset, utterance)
        self._hold(LLMFullResponseEndFrame(), self._leg.queued_up_to(), utterance)
        self._open = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.UPSTREAM:
            await self.push_frame(frame, direction)
        elif isinstance(frame, StartFrame):
            await self.push_frame(frame, direction)
            self._releasing = self.create_task(self._release())
        elif isinstance(frame, InterruptionFrame):
            await self._interrupt(frame)
        elif isinstance(frame, EndFrame):
            await self._drain()
            await self._stop()
            await self.push_frame(frame, direction)
        elif isinstance(frame, CancelFrame):
            await self._stop()
            await self.push_frame(frame, direction)
        elif isinstance(frame, SystemFrame):
            await self.push_frame(frame, direction)
        elif self._held_back and frame.interruptible:
            return
        elif isinstance(frame, TTSAudioRawFrame):
            await self._speak(frame)
        elif not isinstance(frame, AggregatedTextProgressFrame):  # progress within a sentence interests nobody behind us
            self._wait_its_turn(frame)

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]  # Pipecat's has no annotations
        await self._stop()

    async def _speak(self, frame: TTSAudioRawFrame) -> None:
        first = self._open is None
        if self._context is None or self._context.name != frame.context_id:
            base = max(self._last_pts, self.get_clock().get_time())
            self._context = _Context(frame.context_id, self._leg.queued_up_to(), base)
        self._play(frame.audio)
        if first:
            await self.broadcast_frame(BotStartedSpeakingFrame)

    def _play(self, pcm: bytes) -> Utterance:
        start = self._leg.queued_up_to()
        if self._open is None:
            now = self._leg.now_ms()
            self._open = Utterance(start=start, text_at_ms=now if self._text_at is None else self._text_at, audio_at_ms=now)
            self._text_at = None
            self._utterances.append(self._open)
            self._leg.play(pcm)
            self._listener.agent_began(self._open)
        else:
            self._leg.play(pcm)
        self._kept.append((start, pcm))
        return self._open

    def _wait_its_turn(self, frame: Frame) -> None:
        offset = self._leg.queued_up_to()
        if isinstance(frame, TTSTextFrame) and frame.pts:
            self._last_pts = frame.pts
            if self._context is not None:
                ahead = (frame.pts - self._context.base_ns) * SAMPLE_RATE // 1_000_000_000
                offset = min(offset, self._context.start + max(0, ahead))
        elif isinstance(frame, AggregatedTextFrame) and self._text_at is None and self._open is None:
            self._text_at = self._leg.now_ms()
        self._hold(frame, offset, self._open)
        if isinstance(frame, TTSStoppedFrame | LLMFullResponseEndFrame):
            self._open = self._context = self._text_at = None

    def _hold(self, frame: Frame, offset: int, utterance: Utterance | None = None) -> None:
        self._held.append(_Held(offset, frame, utterance))
        self._wake.set()

    async def _release(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._held and (self._held[0].offset <= self._heard or self._leg.closed):
                held = self._held.popleft()
                self._note(held)
                await self._pass_on(held.frame)
            self._moved.set()

    def _note(self, held: _Held) -> None:
        if held.utterance is None:
            return
        if isinstance(held.frame, TTSTextFrame):
            held.utterance.words.append(held.frame.text.strip())
            self._word_starts.append(held.offset)
            self._listener.agent_heard(held.utterance)
        elif isinstance(held.frame, TTSStoppedFrame | LLMFullResponseEndFrame) and held.utterance in self._utterances:
            self._utterances.remove(held.utterance)
            self._end(held.utterance, None)

    async def _pass_on(self, frame: Frame) -> None:
        if isinstance(frame, BotStartedSpeakingFrame):
            await self.broadcast_frame(BotStartedSpeakingFrame)
            return
        await self.push_frame(frame)
        if isinstance(frame, TTSStoppedFrame | LLMFullResponseEndFrame):
            await self.broadcast_frame(BotStoppedSpeakingFrame)

    async def _interrupt(self, frame: InterruptionFrame) -> None:
        spoke, self._silenced = self._silenced, False
        if not self._held_back:  # else the leg is another's
            spoke = self._cut() or spoke
        await self.push_frame(frame)
        if spoke:
            await self.broadcast_frame(BotStoppedSpeakingFrame)
        self._wake.set()

    def _cut(self) -> bool:
        """Silence us: what was heard counts, frames that must arrive stay, the rest is dropped. Whether we were speaking."""
        spoke = bool(self._utterances)
        if spoke or self._leg.heard_up_to() < self._leg.queued_up_to():
            self.heard(self._leg.cut())
        heard = self._heard
        late: list[tuple[int, str]] = []
        kept: deque[_Held] = deque()
        for held in self._held:
            if not held.frame.interruptible:
                kept.append(_Held(heard, held.frame, held.utterance))
            elif held.offset <= heard:
                self._note(held)
            elif isinstance(held.frame, TTSTextFrame):
                late.append((held.offset, held.frame.text.strip()))
        self._held = kept
        tail = self._tail(late, complete=self._open is None)
        self._open = self._context = self._text_at = None
        self._last_pts = 0
        self._kept.clear()
        unheard, self._utterances = self._utterances, deque()
        for utterance in unheard:
            utterance.cut_off = True
            self._end(utterance, tail)
        return spoke

    def _tail(self, late: list[tuple[int, str]], *, complete: bool) -> Tail | None:
        """What was not heard, from the beginning of the word in which it was cut."""
        if not self._kept or not self._utterances:
            return None
        begin = self._kept[0][0]
        pcm = b"".join(piece for _, piece in self._kept)
        if begin + len(pcm) // BYTES <= self._heard:
            return None
        cut = self._utterances[0].start
        first = max((at for at in self._word_starts if max(begin, cut) <= at <= self._heard), default=self._heard)
        return Tail(pcm[(first - begin) * BYTES :], tuple((offset - first, word) for offset, word in late), complete)

    def _end(self, utterance: Utterance, tail: Tail | None) -> None:
        now = self._leg.now_ms()
        utterance.end_ms = now
        utterance.start_ms = now if utterance.start_ms is None else utterance.start_ms
        self._listener.agent_ended(utterance, tail)

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                while self._held or (not self._leg.closed and self._leg.heard_up_to() < self._leg.queued_up_to()):
                    self._moved.clear()
                    await self._moved.wait()

    async def _stop(self) -> None:
        if self._releasing is not None:
            releasing, self._releasing = self._releasing, None
            await self.cancel_task(releasing)
