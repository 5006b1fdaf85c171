"""One call's line in the switch: the carrier's side in, the conversation's side out."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec

from agent_runtime.leg import SAMPLE_RATE, LegListener, Pcm
from mediaserver.switch import mulaw
from mediaserver.switch.boundary import contained
from mediaserver.switch.inbound import CAPACITY, Inbound
from mediaserver.switch.playout import SAMPLES_PER_MS, Lateness, Piece, Playout
from mediaserver.switch.recording import Recorder
from mediaserver.switch.tap import Tap
from mediaserver.switch.tones import Tones
from mediaserver.switch.voice import WINDOW, Change, VoiceActivity, VoiceParams
from mediaserver.wire import StreamCodec

log = logging.getLogger(__name__)

P = ParamSpec("P")

PRE_ROLL = SAMPLE_RATE  # samples before the detection of a voice that the listener gets
PIECE = 3 * WINDOW  # 96 ms of voice go to the listener at a time
HEARD_STEP = 50 * SAMPLES_PER_MS  # how far the heard position moves before the listener is told
SAME_DIGIT = SAMPLE_RATE  # a digit that comes by sound and by message within a second is one digit
UNHEARD_EVENTS = 600  # a minute of speech, either side's, that nobody listens to: the conversation never came


class _Early:
    """Listens until the conversation does, and tells it then."""

    def __init__(self) -> None:
        self.events: list[Callable[[LegListener], None]] = []

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        self.events.append(lambda to: to.voice_started(at_ms, pre_roll))

    def voice_audio(self, pcm: bytes) -> None:
        self.events.append(lambda to: to.voice_audio(pcm))

    def voice_stopped(self, at_ms: int) -> None:
        self.events.append(lambda to: to.voice_stopped(at_ms))

    def heard(self, offset: int) -> None:
        self.events.append(lambda to: to.heard(offset))

    def digit(self, digit: str) -> None:
        self.events.append(lambda to: to.digit(digit))

    def beep(self, at_ms: int) -> None:
        self.events.append(lambda to: to.beep(at_ms))

    def line_closed(self) -> None:
        self.events.append(lambda to: to.line_closed())


@dataclass(frozen=True, slots=True)
class LegParts:
    """What the switch gives a new leg. `row`: its row in the speech model. `played`: called when something is to be played.
    `closed`: called once, when the line is gone."""

    row: int
    codec: StreamCodec
    send: Callable[[str], None]
    clock: Callable[[], float]
    ahead_ms: int
    voice: VoiceParams
    late: Lateness
    played: Callable[["SwitchLeg"], None]
    closed: Callable[["SwitchLeg"], None]
    recorder: Recorder | None


class SwitchLeg:
    """One phone line: implements `agent_runtime.leg.Leg` for the conversation; the media door calls the methods of the carrier's
    side.

    What the conversation, a tap or the socket does wrong is logged and ends this leg or tap; it reaches neither the clock nor
    another leg.
    """

    def __init__(self, parts: LegParts) -> None:
        self.row = parts.row
        self.recorder = parts.recorder
        self.voice = VoiceActivity(parts.voice)
        self.tones = Tones()
        self._parts = parts
        self._clock = parts.clock
        self._began = parts.clock()
        self._inbound = Inbound()
        self._arrived = 0  # time of the last audio
        self._scored = 0  # position up to which the voice detector has listened
        self._told = 0  # position up to which the listener has the callee's audio
        self._playout = Playout(parts.ahead_ms, parts.late)
        self._told_heard = 0
        self._last_digit = ("", "", -SAME_DIGIT)  # digit, by which way, when
        self._taps: list[Tap] = [parts.recorder] if parts.recorder else []
        self._early = _Early()
        self._listener: LegListener = self._early
        self._closed = False

    # The conversation's side: agent_runtime.leg.Leg

    def listen(self, listener: LegListener) -> None:
        """From now on `listener` is told; what happened before is told first. Once per leg."""
        if self._listener is not self._early:
            raise RuntimeError("this leg has a listener already: one conversation for each leg")
        self._listener = listener
        for event in self._early.events:
            self._guarded(event, listener)
        self._early.events.clear()

    def play(self, pcm: bytes) -> int:
        if pcm and not self._closed:
            now = self._now()
            self._playout.play(mulaw.encode(pcm), now)
            self._parts.played(self)
            self._guarded(self._send_due, now)
        return self._playout.queued

    def cut(self) -> int:
        now = self._now()
        if self._playout.cut(now) and not self._closed:
            self._guarded(self._send_clear)
            at = self._playout.heard_at(now)
            self._tell_taps(lambda tap: tap.agent_cut(at))
        return self._playout.heard(now)

    def heard_up_to(self) -> int:
        return self._playout.heard(self._now())

    def queued_up_to(self) -> int:
        return self._playout.queued

    def now_ms(self) -> int:
        return self._now() // SAMPLES_PER_MS

    def last_audio(self, seconds: float) -> Pcm:
        samples = min(CAPACITY, round(seconds * SAMPLE_RATE))
        return mulaw.decode(self._inbound.between(self._inbound.received - samples, self._inbound.received))

    @property
    def closed(self) -> bool:
        return self._closed

    # The carrier's side: called by the media door

    def audio_received(self, mulaw: bytes) -> None:
        """The callee's next audio, of any length."""
        if self._closed:
            return
        self._arrived = self._now()
        self._inbound.append(mulaw)
        if self._taps:
            at = max(0, self._arrived - len(mulaw))
            self._tell_taps(lambda tap: tap.callee(at, mulaw))

    def digit(self, digit: str) -> None:
        """The carrier says that the callee pressed `digit`."""
        self._digit(digit, by="message")

    def mark_reached(self, name: str) -> None:
        """The carrier played all audio before this mark, or cleared it."""
        self._playout.mark_reached(name, self._now())

    def close(self) -> None:
        """The line is gone. The listener is told once; whatever comes later is dropped."""
        if self._closed:
            return
        self._closed = True
        now = self._now()
        self._playout.cut(now)
        self._parts.closed(self)
        if self._playout.queued != self._told_heard:
            self._guarded(self._listener.heard, self._playout.queued)
        self._guarded(self._listener.line_closed)
        self._tell_taps(lambda tap: tap.ended(now))
        self._taps.clear()

    # Supervision's side

    @property
    def arrived_ms(self) -> int:
        """When audio last came from the callee's line, in ms since the leg began; 0 before the first."""
        return self._arrived // SAMPLES_PER_MS

    def announce(self, mulaw: bytes) -> bool:
        """Have the callee hear a short sound that is not the agent's: no offset moves. Whether it was sent: not while anything plays."""
        now = self._now()
        if self._closed or self._playout.heard(now) < self._playout.queued:
            return False
        self._guarded(self._parts.send, self._parts.codec.media(mulaw))
        self._tell_taps(lambda tap: tap.agent(now, mulaw))
        return True

    def add_tap(self, tap: Tap) -> None:
        """From now on `tap` is given both sides of the call."""
        self._taps.append(tap)

    def remove_tap(self, tap: Tap) -> None:
        """No more for `tap`. One that is not on the leg any more is no error."""
        if tap in self._taps:
            self._taps.remove(tap)

    # The switch's side: its tick

    def next_window(self) -> bytes | None:
        """The next mu-law that the voice detector is to hear, None before it is complete."""
        if self._inbound.received - self._scored < WINDOW:
            return None
        if self._scored < self._inbound.oldest:  # a burst longer than the ring: its beginning is gone
            self._scored = self._inbound.oldest
        self._scored += WINDOW
        return self._inbound.between(self._scored - WINDOW, self._scored)

    def window_scored(self, score: float, tone: int, digit: int) -> None:
        """What the last window was: `score` of speech, `tone` and `digit` as of `read_tones`."""
        self._voice_changed(self.voice.step(score))
        if self.tones.beep_ended(tone):
            self._tell(self._listener.beep, self._at_ms(self._scored - WINDOW))
        if (pressed := self.tones.digit_began(digit)) is not None:
            self._digit(pressed, by="sound")

    def stop_idle_voice(self) -> None:
        """End a voice that is on while no audio comes any more."""
        if self.voice.speaking and self._now() - self._arrived >= self._parts.voice.idle_ms * SAMPLES_PER_MS:
            self._voice_changed(self.voice.idle())

    def pump(self) -> bool:
        """Send what is due and tell what was heard. Whether there is more to do at the next tick."""
        now = self._now()
        self._guarded(self._send_due, now)
        self._guarded(self._send_last_mark, now)
        self._tell_heard(now)
        return not self._closed and not self._playout.done

    def _voice_changed(self, change: Change | None) -> None:
        if change is Change.STARTED:
            start = max(self._told, self._scored - PRE_ROLL)
            self._told = self._scored
            began = self._at_ms(self._scored - self._parts.voice.start_windows * WINDOW)
            self._tell(self._listener.voice_started, began, self._pcm(start, self._scored))
        elif change is Change.STOPPED:
            self._tell_voice(at_least=1)
            silence = self._parts.voice.stop_windows * WINDOW
            self._tell(self._listener.voice_stopped, self._at_ms(self._scored - silence))
        elif self.voice.speaking:
            self._tell_voice(at_least=PIECE)

    def _tell_voice(self, *, at_least: int) -> None:
        if self._scored - self._told >= at_least:
            start, self._told = self._told, self._scored
            self._tell(self._listener.voice_audio, self._pcm(start, self._scored))

    def _tell_heard(self, now: int) -> None:
        heard = self._playout.heard(now)
        if heard - self._told_heard >= HEARD_STEP or (heard != self._told_heard and heard == self._playout.queued):
            self._told_heard = heard
            self._tell(self._listener.heard, heard)

    def _digit(self, digit: str, *, by: str) -> None:
        now = self._now()
        last, last_by, at = self._last_digit
        if digit == last and by != last_by and now - at < SAME_DIGIT:
            self._last_digit = ("", by, now)
            return
        self._last_digit = (digit, by, now)
        self._tell(self._listener.digit, digit)

    def _send_due(self, now: int) -> None:
        codec, send = self._parts.codec, self._parts.send
        for piece in self._playout.due(now):
            send(codec.media(piece.mulaw))
            if piece.mark is not None:
                send(codec.mark(piece.mark))
            self._tell_taps_agent(piece)

    def _tell_taps_agent(self, piece: Piece) -> None:
        self._tell_taps(lambda tap: tap.agent(piece.at, piece.mulaw))

    def _send_last_mark(self, now: int) -> None:
        if (mark := self._playout.last_mark(now)) is not None:
            self._parts.send(self._parts.codec.mark(mark))

    def _send_clear(self) -> None:
        self._parts.send(self._parts.codec.clear())

    def _pcm(self, start: int, end: int) -> bytes:
        return mulaw.decode(self._inbound.between(start, end)).tobytes()

    def _now(self) -> int:
        """Samples since the leg began."""
        return round((self._clock() - self._began) * SAMPLE_RATE)

    def _at_ms(self, position: int) -> int:
        """When the callee's audio at `position` came, going by the last that came."""
        return max(0, self._arrived - (self._inbound.received - position)) // SAMPLES_PER_MS

    def _tell(self, event: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        if self._closed:
            return
        self._guarded(event, *args, **kwargs)
        if len(self._early.events) > UNHEARD_EVENTS:
            log.error("a leg is closed: much was said on it and no conversation came to listen")
            self.close()

    def _guarded(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the conversation or the socket; what it raises ends this leg and nothing else."""
        if not contained("a leg is closed: its listener or its socket failed", call, *args, **kwargs):
            self.close()

    def _tell_taps(self, tell: Callable[[Tap], None]) -> None:
        for tap in list(self._taps):
            if not contained("a tap is taken off its leg, and the call goes on: it failed", tell, tap):
                self.remove_tap(tap)
