"""A phone line for tests: a clock that is driven by hand, a carrier that buffers and plays, and a listener that keeps what it was
told."""

import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaserver.switch import mulaw
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from mediaserver.wire import Event

SPEECH = Path(__file__).parent.parent / "data" / "caller_8k.wav"
TICK_MS = 20


def speech() -> NDArray[np.int16]:
    """3 s of a person who speaks, 8 kHz."""
    with wave.open(str(SPEECH)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def silence(ms: int) -> NDArray[np.int16]:
    return np.zeros(ms * 8, np.int16)


def tone(ms: int, *hertz: float, level: float = 0.3) -> NDArray[np.int16]:
    """Tones of these frequencies together, each at `level` of full scale."""
    at = np.arange(ms * 8) / 8000
    return sum((np.sin(2 * np.pi * f * at) * level * 32767 for f in hertz), np.zeros(ms * 8)).astype(np.int16)


class HandClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.ms = 1_000_000.0

    def __call__(self) -> float:
        return self.ms / 1000


class PlainCodec:
    """A stream protocol of three plain commands."""

    def receive(self, text: str) -> Event | None:
        raise NotImplementedError("these tests call the leg itself")

    def media(self, mulaw: bytes) -> str:
        return "media " + mulaw.hex()

    def mark(self, name: str) -> str:
        return "mark " + name

    def clear(self) -> str:
        return "clear"


@dataclass
class Told:
    """A listener that keeps what it was told, in order."""

    events: list[tuple[object, ...]] = field(default_factory=list)

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        self.events.append(("voice_started", at_ms, pre_roll))

    def voice_audio(self, pcm: bytes) -> None:
        self.events.append(("voice_audio", pcm))

    def voice_stopped(self, at_ms: int) -> None:
        self.events.append(("voice_stopped", at_ms))

    def heard(self, offset: int) -> None:
        self.events.append(("heard", offset))

    def digit(self, digit: str) -> None:
        self.events.append(("digit", digit))

    def beep(self, at_ms: int) -> None:
        self.events.append(("beep", at_ms))

    def line_closed(self) -> None:
        self.events.append(("line_closed",))

    def all_of(self, *kinds: str) -> list[tuple[object, ...]]:
        return [event for event in self.events if event[0] in kinds]

    def kinds(self, *without: str) -> list[object]:
        return [event[0] for event in self.events if event[0] not in without]


class Carrier:
    """Buffers what it is sent, plays it at 8 kHz, and answers marks `delay_ms` after they were reached, if it answers marks at
    all."""

    def __init__(self, clock: HandClock, *, answers_marks: bool = True, delay_ms: int = 0) -> None:
        self.sent: list[str] = []
        self.played = bytearray()
        self._buffer: list[bytes | str] = []
        self._clock = clock
        self._answers_marks = answers_marks
        self._delay_ms = delay_ms
        self._answers: list[tuple[float, str]] = []
        self._credit = 0

    def send(self, text: str) -> None:
        self.sent.append(text)
        kind, _, rest = text.partition(" ")
        match kind:
            case "media":
                self._buffer.append(bytes.fromhex(rest))
            case "mark":
                self._buffer.append(rest)
            case "clear":
                for item in self._buffer:
                    if isinstance(item, str):
                        self._answer(item)
                self._buffer.clear()

    def messages(self, kind: str) -> list[str]:
        return [text for text in self.sent if text.startswith(kind)]

    def pass_ms(self, ms: int) -> None:
        """The callee hears `ms` more: audio while there is some, else silence."""
        left = ms * 8
        while left and self._buffer:
            item = self._buffer.pop(0)
            if isinstance(item, str):
                self._answer(item)
                continue
            self.played += item[:left]
            if len(item) > left:
                self._buffer.insert(0, item[left:])
            left -= min(left, len(item))
        while self._buffer and isinstance(self._buffer[0], str):
            self._answer(str(self._buffer.pop(0)))
        self.played += bytes([mulaw.SILENCE]) * left

    def answered(self) -> list[str]:
        """The marks whose answers have arrived by now."""
        arrived = [name for at, name in self._answers if at <= self._clock.ms]
        self._answers = [(at, name) for at, name in self._answers if at > self._clock.ms]
        return arrived

    def _answer(self, name: str) -> None:
        if self._answers_marks:
            self._answers.append((self._clock.ms + self._delay_ms, name))


class Line:
    """One leg on a switch that ticks by hand, with its carrier and its listener."""

    def __init__(self, switch: Switch, clock: HandClock, *, answers_marks: bool = True, delay_ms: int = 0, **add: object) -> None:
        self.clock = clock
        self.carrier = Carrier(clock, answers_marks=answers_marks, delay_ms=delay_ms)
        self.leg: SwitchLeg = switch.add(PlainCodec(), self.carrier.send, **add)  # type: ignore[arg-type]  # passed on as it is
        self.told = Told()
        self._switch = switch
        self._to_say = b""

    def says(self, *audio: NDArray[np.int16]) -> None:
        """The callee will say this, in frames of 20 ms, from now on."""
        self._to_say += mulaw.encode(np.concatenate(audio).tobytes())

    def run(self, ms: int, each_tick: Callable[[], None] = lambda: None, *, ticking: bool = True) -> None:
        """Let time pass in steps of 20 ms. `ticking=False`: our process stalls, the carrier goes on."""
        for _ in range(ms // TICK_MS):
            self.clock.ms += TICK_MS
            self.carrier.pass_ms(TICK_MS)
            frame, self._to_say = self._to_say[: TICK_MS * 8], self._to_say[TICK_MS * 8 :]
            if frame:
                self.leg.audio_received(frame)
            if ticking:
                for name in self.carrier.answered():
                    self.leg.mark_reached(name)
                self._switch.tick()
                each_tick()

    def run_out(self) -> None:
        """Let time pass until the callee has said all, and a second more."""
        self.run(len(self._to_say) // 8 + 1000)


def hand_driven(model: SpeechModel, **settings: object) -> tuple[Switch, HandClock]:
    clock = HandClock()
    return Switch(clock=clock, model=model, **settings), clock  # type: ignore[arg-type]  # passed on as they are
